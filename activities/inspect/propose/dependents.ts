import type { ForeignKey } from '../../dialect/catalog.ts';
import { isSameKind } from '../../dialect/column-types.ts';
import { clearsReferences } from '../../resolve/cascades.ts';
import { isNamedForEvents } from './growth.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';
import { hasWord, splitWords } from './words.ts';

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
  return [...byKey, ...listBlockers(byKey, database, [table]), ...listGuesses(table, database)];
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
      const blockers = below.filter(({ tie }) => tie === 'child' || tie === 'blocks');
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

const KEY_WORDS = new Set(['id', 'uuid', 'key', 'pk']);

/** Columns like `run_id` without a foreign key, of the type of the key of table `run`. */
function listGuesses(table: KnownTable, database: KnownDatabase): Dependent[] {
  const [key, ...more] = table.catalog.primaryKey;
  const type = table.catalog.columns.get(key ?? '')?.type;
  if (type === undefined || more.length > 0) return [];
  return database.tables
    .filter((other) => other !== table && other.size.partitionedBy === null)
    .flatMap((other) =>
      [...other.catalog.columns.values()]
        .filter((column) => isSameKind(column.type, type) && isNamedAfter(column.name, table, database))
        .filter(({ name }) => !isForeignKey(other, name, database) && !isPolymorphic(other, name))
        .map(({ name, notNull }) => ({
          table: other,
          column: name,
          required: notNull,
          tie: 'guess' as const,
        })),
    );
}

/** Whether a column is named after one table and no other. */
function isNamedAfter(column: string, table: KnownTable, { tables }: KnownDatabase): boolean {
  const words = splitWords(column);
  if (!hasWord(words.slice(-1), KEY_WORDS) || words.length < 2) return false;
  const wanted = words.slice(0, -1).join(' ');
  const named = tables.filter(({ catalog }) =>
    ` ${splitWords(catalog.name).join(' ')}`.endsWith(` ${wanted}`),
  );
  const exact = named.filter(({ catalog }) => splitWords(catalog.name).join(' ') === wanted);
  const [only, ...others] = exact.length > 0 ? exact : named;
  return only === table && others.length === 0;
}

function isForeignKey({ catalog }: KnownTable, column: string, database: KnownDatabase): boolean {
  return database.catalog.foreignKeys.some(
    (key) => key.child === catalog.id && key.childColumns.includes(column),
  );
}

/** `owner_id` beside `owner_type` references rows of several tables. */
function isPolymorphic({ catalog }: KnownTable, column: string): boolean {
  const prefix = splitWords(column).slice(0, -1).join(' ');
  return [...catalog.columns.keys()].some((other) => {
    const words = splitWords(other);
    return hasWord(words.slice(-1), TYPE_WORDS) && words.slice(0, -1).join(' ') === prefix;
  });
}

const TYPE_WORDS = new Set(['type', 'kind', 'class', 'model']);
