import type { ForeignKey } from '../../dialect/catalog.ts';
import { clearsReferences } from '../../resolve/cascades.ts';
import { isNamedForEvents } from './growth.ts';
import { listGuessedReferences } from './guessed-references.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { splitWords } from './words.ts';

/** How rows of another table hang on those of a table. */
export interface Dependent {
  readonly table: KnownTable;
  /** The column that references. */
  readonly column: string;
  /** The column may not be null. */
  readonly required: boolean;
  /**
   * What becomes of a row when the row that it references is deleted: `cascade` and `set null` by the database; `child` must be
   * deleted before it; `blocks` keeps it from being deleted; `guess` is tied by name and type alone.
   */
  readonly tie: 'cascade' | 'set null' | 'child' | 'blocks' | 'guess';
}

/** The rows that hang on those of a table: by foreign keys, and by columns that are named and typed like references. */
export function listDependents(table: KnownTable, database: KnownDatabase): Dependent[] {
  const byKey = listByForeignKey(table, database);
  const below = listDeletedAlong(byKey, database, [table]);
  const guesses = listGuesses(table, database).filter(({ table: other }) => !below.includes(other));
  return [...byKey, ...listBlockers(byKey, database, [table]), ...guesses];
}

/** The tables whose rows the database deletes along, at any depth. */
function listDeletedAlong(
  dependents: readonly Dependent[],
  database: KnownDatabase,
  path: readonly KnownTable[],
): KnownTable[] {
  return dependents
    .filter(({ table, tie, required }) => tie === 'cascade' && required && !path.includes(table))
    .flatMap(({ table }) => [
      table,
      ...listDeletedAlong(listByForeignKey(table, database), database, [...path, table]),
    ]);
}

/** Columns like `run_id` without a foreign key, of the type of the key of table `run`. */
function listGuesses(table: KnownTable, database: KnownDatabase): Dependent[] {
  return database.tables
    .filter((other) => other !== table && other.size.partitionedBy === null)
    .flatMap((other) =>
      listGuessedReferences(other, database)
        .filter(({ parent }) => parent === table)
        .map(({ column }) => ({
          table: other,
          column: column.name,
          required: column.notNull,
          tie: 'guess' as const,
        })),
    );
}

/** What keeps rows from being deleted that the database would delete along. */
function listBlockers(
  dependents: readonly Dependent[],
  database: KnownDatabase,
  path: readonly KnownTable[],
): Dependent[] {
  return dependents
    .filter(({ table, tie }) => tie === 'cascade' && !path.includes(table))
    .flatMap(({ table }) => {
      const below = listByForeignKey(table, database);
      // The database deletes along the rows of one parent after the other: a row may reference one that goes before it.
      const own = listOwnKeys(table, database).flatMap((key) => toDependent(key, table, database));
      const blockers = [...below, ...own].filter(({ tie }) => tie === 'child' || tie === 'blocks');
      return [
        ...blockers.map((blocker) => ({ ...blocker, tie: 'blocks' as const })),
        ...listBlockers(below, database, [...path, table]),
      ];
    });
}

function listByForeignKey(table: KnownTable, database: KnownDatabase): Dependent[] {
  return database.catalog
    .referencesTo(table.catalog)
    .filter(({ child }) => child !== table.catalog.id)
    .flatMap((key) => toDependent(key, table, database));
}

function listOwnKeys({ catalog }: KnownTable, database: KnownDatabase): ForeignKey[] {
  return database.catalog.referencesTo(catalog).filter(({ child }) => child === catalog.id);
}

/** Partitions inherit foreign keys from their table; they are left out with it. */
function toDependent(key: ForeignKey, table: KnownTable, database: KnownDatabase): Dependent[] {
  const child = database.tables.find(({ catalog }) => catalog.id === key.child);
  const column = child?.catalog.columns.get(key.childColumns[0] ?? '');
  if (child === undefined || column === undefined) return [];
  const required = column.notNull;
  const tie =
    key.onDelete === 'cascade'
      ? 'cascade'
      : clearsReferences(key)
        ? 'set null'
        : key.onDelete === 'no action' && required && canBeChild(key, child, table, database)
          ? 'child'
          : 'blocks';
  return [{ table: child, column: column.name, required, tie }];
}

/** Deleting an order because its session is old would be wrong: only rows that plainly belong to a row go with it. */
function canBeChild(
  { childColumns }: ForeignKey,
  child: KnownTable,
  parent: KnownTable,
  database: KnownDatabase,
): boolean {
  if (childColumns.length !== 1 || parent.catalog.primaryKey.length !== 1) return false;
  const [words, ofParent] = [splitWords(child.catalog.name), splitWords(parent.catalog.name)];
  const isPart = ofParent.every((word) => words.includes(word));
  return isNamedForEvents(child) || isPart || isJoinTable(child, database);
}

/** All columns are keys: its rows say nothing but which rows belong together. */
function isJoinTable({ catalog }: KnownTable, database: KnownDatabase): boolean {
  const keys = database.catalog.foreignKeys.filter(({ child }) => child === catalog.id);
  const columns = new Set([...catalog.primaryKey, ...keys.flatMap(({ childColumns }) => childColumns)]);
  return keys.length > 1 && [...catalog.columns.keys()].every((column) => columns.has(column));
}
