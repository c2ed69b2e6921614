import type { TableName } from '../stored/columns.ts';
import type { Catalog, CatalogTable, WantedTable } from './catalog.ts';

/** What the database says of itself. */
export interface Facts {
  readServer(): Promise<Server>;
  /** Why this database cannot be cleaned at all, by what it calls itself; undefined if it can. */
  findUnsupported(): Promise<ServerProblem | undefined>;
  /** Which database it is, by what a restore from a backup changes and a move of its files does not. */
  readIdentity(): Promise<Identity>;
  /** The database's clock, in milliseconds since the epoch. */
  readClock(): Promise<number>;
  /** Reads the catalog for some tables, in a fixed number of statements. */
  readCatalog(wanted: readonly WantedTable[]): Promise<Catalog>;
  /**
   * For each list of tables and routines a text that changes if a foreign key, partition, trigger or rule is added, removed or
   * switched that could make a delete in the tables reach other rows than before, or if one of the routines is replaced.
   */
  readFingerprints(lists: readonly Fingerprinted[]): Promise<readonly string[]>;
  /** Reads one table by its own name, without foreign keys; undefined if it is not there. */
  readTable(table: TableName): Promise<CatalogTable | undefined>;
}

/** What a pass depends on that the schema may change. */
export interface Fingerprinted {
  readonly tables: readonly TableName[];
  /** The ids of routines that triggers call. */
  readonly routines: readonly string[];
}

/** What makes a server unusable, and what to do. */
export interface ServerProblem {
  readonly what: string;
  readonly fix: string;
  /** Only for what writes: a preview works. */
  readonly whenWriting?: true;
}

export interface Server {
  /** The product and its major version, like `PostgreSQL 18`. */
  readonly product: string;
  readonly role: string;
  /** The start of the transaction, as `to_json` writes it. */
  readonly now: string;
  /** The oldest version that is tested, if this one is older; else null. */
  readonly tooOld: string | null;
  /** What makes it unusable; empty if nothing does. */
  readonly problems: readonly ServerProblem[];
  /** Settings with which it works, and that can end or slow down what a run does. */
  readonly advice: readonly ServerAdvice[];
  /** Foreign keys do nothing in this session. */
  readonly ignoresForeignKeys: boolean;
}

/** What can be better about a server, and how. */
export interface ServerAdvice {
  readonly what: string;
  readonly fix: string;
  /** It is about tables of the ledger, and is told when they are created. */
  readonly ofLedger?: true;
}

export interface Identity {
  /** Of the server; null if the role may not know. */
  readonly systemIdentifier: string | null;
  readonly databaseOid: string;
}
