import { findNearest } from '../../policy/suggest-name.ts';
import type { ColumnName, TableName } from '../stored/columns.ts';
import type { TriggerReach } from '../stored/pass.ts';

/** What the database's catalog says of one table. */
export interface CatalogTable extends TableName {
  /** What the database knows the table by, whatever its name. */
  readonly id: string;
  readonly kind: 'table' | 'partitioned' | 'view' | 'materialized view' | 'foreign table' | 'other';
  /** Rows by the last analyze or vacuum; null if there was none. */
  readonly rows: number | null;
  /** Dead rows by the statistics collector. */
  readonly deadRows: number;
  /** Size of the table without its indexes, in pages, as it is now. */
  readonly pages: number;
  readonly columns: ReadonlyMap<string, CatalogColumn>;
  /** The columns of the primary key; empty if there is none. */
  readonly primaryKey: readonly string[];
  readonly indexes: readonly CatalogIndex[];
  /** Other tables inherit from it, and a statement about it would be about their rows as well. */
  readonly inherited: boolean;
  /** Rules that rewrite a delete or an update of its rows, by name; left out if the database has no rules. */
  readonly rules?: { readonly delete: readonly string[]; readonly update: readonly string[] };
  /** Triggers that may keep a row as it is when it is deleted or updated; left out if there are none. */
  readonly keepingTriggers?: readonly KeepingTrigger[];
  /** Triggers that may raise an error when a row is deleted or updated; left out if there are none. */
  readonly refusingTriggers?: readonly { readonly name: string; readonly on: 'delete' | 'update' }[];
  /** Triggers that fire when a row is deleted or updated, with the rows that they may write; left out if there are none. */
  readonly writers?: readonly WritingTrigger[];
  /** Columns that check constraints are about; left out if there are none. */
  readonly checked?: readonly string[];
  /** A trigger of a user fires when the transaction ends. */
  readonly hasDeferredTriggers?: boolean;
  /** The columns that decide in which partition a row is, if the table is one. */
  readonly partitionKey?: readonly string[];
  /** How it is partitioned; left out if it is not. */
  readonly partitioning?: Partitioning;
  /** Why its rows cannot be deleted, as the end of a sentence about it, and what to do; undefined if they can. */
  readonly unsupported?: { readonly what: string; readonly fix: string } | undefined;
  /** Row-level security hides rows from the connected role. */
  readonly hidden: boolean;
  /** Why the space of the table cannot be given back, and what to do; left out if it can. */
  readonly unreclaimable?: { readonly what: string; readonly fix: string };
  /** What the connected role may do. */
  readonly may: {
    readonly select: boolean;
    readonly update: boolean;
    readonly delete: boolean;
    /** Vacuum it. */
    readonly maintain: boolean;
  };
}

/** How a table is partitioned. */
export interface Partitioning {
  readonly by: 'range' | 'list' | 'hash';
  /** The columns of the key; null for an expression. */
  readonly columns: readonly (string | null)[];
  /** The ids of its partitions, of theirs, and its own. */
  readonly members: readonly string[];
  /** The connected role owns all of them. */
  readonly owned: boolean;
  /** It may read each of them by its own name. */
  readonly readable: boolean;
  /** Triggers of any of them that fire when a row is deleted, by name. */
  readonly deleteTriggers: readonly string[];
  /** Those of tables with partitions that fire once for a statement: a delete in a partition fires none of them. */
  readonly statementTriggers: readonly string[];
  /** The ids of the tables where its rows lie, without those on other servers. */
  readonly leaves: readonly string[];
}

/** A trigger that may keep a row as it is. */
export interface KeepingTrigger {
  readonly name: string;
  readonly on: 'delete' | 'update';
  /** The only columns that it may keep, in lower case; null if it may keep the whole row. */
  readonly columns: readonly string[] | null;
}

/** A trigger, with what it may do to other rows: by itself, by what it calls, and by the triggers of what it writes. */
export interface WritingTrigger {
  readonly name: string;
  readonly on: 'delete' | 'update';
  /** It may delete rows of any table, or what it does cannot be read. */
  readonly deletes: boolean;
  /** The ids of the tables whose rows it updates or inserts. */
  readonly writes: readonly string[];
  readonly reach: TriggerReach;
}

/** A column, with what the statistics say of it. */
export interface CatalogColumn extends ColumnName {
  /** Of the column in its table. It stays the same when the column is renamed. */
  readonly number: number;
  readonly notNull: boolean;
  /** Its values may be JSON. Left out if they are none. */
  readonly mayBeJson?: true;
  /** The database computes it from other columns of the row. Left out if not. */
  readonly computed?: true;
  /**
   * The type by which its values are instants, if the database has no type for them; a text that is none says how they are
   * stored instead. Left out if `type` tells.
   */
  readonly instantType?: string;
  /**
   * The search path of the session does not find the operator by which the type compares its values: the statements would
   * compare them in another way than indexes and foreign keys do. Left out if it does.
   */
  readonly hiddenOperator?: true;
  /** Some values of a column of numbers. Left out if none are known, as before the first analyze of PostgreSQL. */
  readonly numbers?: readonly string[];
  /** Distinct values by the last analyze; null if there was none. */
  readonly distinct: number | null;
}

/** An index, by its leading column. */
export interface CatalogIndex {
  readonly name: string;
  readonly method: string;
  /** Leading key column; null for an expression. */
  readonly leading: string | null;
  /** No two rows of the table have the same value in the leading column, which is the only one. */
  readonly unique: boolean;
  readonly valid: boolean;
  /** It leaves out rows that have a value in the leading column. */
  readonly partial: boolean;
}

/** A foreign key. One of a partitioned table stands here once for each of its partitions. */
export interface ForeignKey {
  readonly name: string;
  /** The id of the table that references, and the columns that do. */
  readonly child: string;
  readonly childColumns: readonly string[];
  /** The id of the table referenced, and the columns. */
  readonly parent: string;
  readonly parentColumns: readonly string[];
  readonly onDelete: 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';
  /** The columns that a delete sets to null or to their default, if it does not set all of them (PostgreSQL 15). */
  readonly clearedColumns?: readonly string[];
  /** Its last columns are periods: rows reference those whose period overlaps theirs (PostgreSQL 18). */
  readonly period?: true;
  /** False if a delete ignores it: it is not enforced, or a trigger of it is disabled. */
  readonly enforced: boolean;
  /** It is checked at each row, before the statement has deleted the others. Left out if the statement must have ended. */
  readonly checksEachRow?: true;
  /** The search path of the session does not find an operator by which it compares. Left out if it does. */
  readonly hiddenOperator?: true;
}

/** A table as an entity names it. */
export interface WantedTable {
  readonly schema: string | undefined;
  readonly name: string;
  /** Its partitions are read too, if it has any. Default: false. */
  readonly leaves?: boolean;
}

/** The tables that were asked for, those that foreign keys tie to them, and all foreign keys. */
export class Catalog {
  readonly foreignKeys: readonly ForeignKey[];
  readonly #byId: ReadonlyMap<string, CatalogTable>;
  readonly #byName: ReadonlyMap<string, string>;
  readonly #labels: readonly string[];

  /**
   * `ids` are those of the tables that were asked for, by {@link wantedKey}. `labels` are those of all tables of the database, if
   * one of these is missing.
   */
  constructor(
    tables: readonly CatalogTable[],
    ids: ReadonlyMap<string, string>,
    foreignKeys: readonly ForeignKey[],
    labels: readonly string[],
  ) {
    this.#byId = new Map(tables.map((table) => [table.id, table]));
    this.#byName = ids;
    this.foreignKeys = foreignKeys;
    this.#labels = labels;
  }

  /** A table as an entity names it; undefined if the database has none. */
  find(schema: string | undefined, name: string): CatalogTable | undefined {
    const id = this.#byName.get(wantedKey({ schema, name }));
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** The table that is meant if the database has none of this name: that of another schema, or the nearest name. */
  suggest(schema: string | undefined, name: string): string | undefined {
    const elsewhere = this.#labels.find((label) => label === name || label.endsWith(`.${name}`));
    return elsewhere ?? findNearest(schema === undefined ? name : `${schema}.${name}`, this.#labels);
  }

  /** A table by its id, which must be one that was asked for or is tied to one. */
  get(id: string): CatalogTable {
    const table = this.#byId.get(id);
    if (table === undefined) throw new Error(`table ${id} was not read from the catalog`);
    return table;
  }

  /** How reports write a table; undefined if it was not read. */
  findLabel(id: string): string | undefined {
    return this.#byId.get(id)?.label;
  }

  /** A table by its own name, if it was read. */
  named({ schema, name }: Pick<TableName, 'schema' | 'name'>): CatalogTable | undefined {
    return [...this.#byId.values()].find((table) => table.schema === schema && table.name === name);
  }

  /** Whether a table was read. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Foreign keys that reference a table. */
  referencesTo(table: CatalogTable): ForeignKey[] {
    return this.foreignKeys.filter((key) => key.parent === table.id);
  }
}

/** A key for a table as an entity names it. */
export function wantedKey({ schema, name }: WantedTable): string {
  return JSON.stringify([schema ?? null, name]);
}
