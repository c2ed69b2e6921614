import type { ForeignKey } from '../../dialect/catalog.ts';
import { clearsReferences } from '../../resolve/cascades.ts';
import { belongsTo } from './belongs.ts';
import { listGuessedReferences } from './guessed-references.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';

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

/** What hangs on the rows of each table of a database. Each table is asked for several times, so what was found is kept. */
export class Dependents {
  readonly #database: KnownDatabase;
  readonly #guesses: ReadonlyMap<KnownTable, readonly Dependent[]>;
  readonly #found = new Map<KnownTable, readonly Dependent[]>();

  constructor(database: KnownDatabase) {
    this.#database = database;
    this.#guesses = mapGuesses(database);
  }

  /** The rows that hang on those of a table: by foreign keys, and by columns that are named and typed like references. */
  list(table: KnownTable): readonly Dependent[] {
    const found = this.#found.get(table) ?? this.#list(table);
    this.#found.set(table, found);
    return found;
  }

  /** The tables whose rows the database deletes along, at any depth. */
  listDeletedAlong(
    table: KnownTable,
    goesAlong = ({ tie }: Dependent): boolean => tie === 'cascade',
  ): KnownTable[] {
    const along = new Set<KnownTable>();
    const follow = (parent: KnownTable): void => {
      for (const dependent of this.#listByForeignKey(parent)) {
        if (!goesAlong(dependent) || dependent.table === table || along.has(dependent.table)) continue;
        along.add(dependent.table);
        follow(dependent.table);
      }
    };
    follow(table);
    return [...along];
  }

  #list(table: KnownTable): Dependent[] {
    // Rows that surely go along are no guess.
    const surely = this.listDeletedAlong(table, ({ tie, required }) => tie === 'cascade' && required);
    const guesses = (this.#guesses.get(table) ?? []).filter((guess) => !surely.includes(guess.table));
    return [...this.#listByForeignKey(table), ...this.#listBlockers(table), ...guesses];
  }

  /** What keeps rows from being deleted that the database would delete along. */
  #listBlockers(table: KnownTable): Dependent[] {
    return this.listDeletedAlong(table).flatMap((along) =>
      // The database deletes along the rows of one parent after the other: a row may reference one that goes before it.
      [...this.#listByForeignKey(along), ...this.#listOwn(along)]
        .filter(({ tie }) => tie === 'child' || tie === 'blocks')
        .map((blocker) => ({ ...blocker, tie: 'blocks' as const })),
    );
  }

  #listByForeignKey(table: KnownTable): Dependent[] {
    return this.#listKeys(table, (child) => child !== table.catalog.id);
  }

  #listOwn(table: KnownTable): Dependent[] {
    return this.#listKeys(table, (child) => child === table.catalog.id);
  }

  #listKeys(table: KnownTable, isWanted: (child: string) => boolean): Dependent[] {
    return this.#database
      .listKeysTo(table)
      .filter(({ child }) => isWanted(child))
      .flatMap((key) => toDependent(key, table, this.#database));
  }
}

/** Columns like `run_id` without a foreign key, of the type of the key of table `run`, by the table that they are named after. */
function mapGuesses(database: KnownDatabase): Map<KnownTable, Dependent[]> {
  const guesses = database.tables
    .filter(({ size }) => size.partitionedBy === null && size.partitionOf === null)
    .flatMap((table) => listGuessedReferences(table, database).map((guess) => ({ ...guess, table })));
  const byParent = Map.groupBy(guesses, ({ parent }) => parent);
  return new Map(
    [...byParent].map(([parent, found]) => [
      parent,
      found.map(({ table, column: { name, notNull } }) => ({
        table,
        column: name,
        required: notNull,
        tie: 'guess',
      })),
    ]),
  );
}

/** Partitions inherit foreign keys from their table; they are left out with it. */
function toDependent(key: ForeignKey, table: KnownTable, database: KnownDatabase): Dependent[] {
  const child = database.find(key.child);
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
  return (
    childColumns.length === 1 && parent.catalog.primaryKey.length === 1 && belongsTo(child, parent, database)
  );
}
