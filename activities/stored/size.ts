/** What one table measures. Bytes; instants in ISO 8601; null if the server has never done it. */
export interface TableSize {
  readonly table: string;
  /** With its free-space and visibility maps. */
  readonly heap: number;
  readonly indexes: number;
  /** With its own index. */
  readonly toast: number;
  /** Rows by the server's statistics, which can be some seconds behind. */
  readonly live: number;
  /** Dead rows by the same statistics. */
  readonly dead: number;
  readonly bloat: Bloat | null;
  /** The same of its indexes. */
  readonly indexBloat: Bloat | null;
  readonly lastVacuum: string | null;
  readonly lastAutovacuum: string | null;
  readonly lastAnalyze: string | null;
  readonly lastAutoanalyze: string | null;
}

/** Bytes that live rows do not need, dead rows included. */
export interface Bloat {
  readonly bytes: number;
  readonly percent: number;
  /** An estimate uses the width of columns by the last analyze. */
  readonly by: 'estimate' | 'pgstattuple_approx' | 'dbstat';
}

/** What a table measured before the first and after the last batch of a run; null if it was not measured. */
export interface SizeChange {
  readonly table: string;
  readonly before: TableSize | null;
  readonly after: TableSize | null;
}

/** What keeps vacuum from removing dead rows: all that died after it started stays. */
export interface VacuumBlocker {
  readonly kind: 'transaction' | 'replication slot' | 'prepared transaction' | 'standby';
  /** The process of a session, the name of a slot, or the id of a prepared transaction. */
  readonly name: string;
  /** Seconds since the transaction started; null if the server does not say. */
  readonly seconds: number | null;
  /** Transactions that started since. */
  readonly transactions: number;
  /** What is known of it. */
  readonly detail: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Vacuum blockers, and whether sessions of other roles were hidden from the one that asked. */
export interface VacuumBlockers {
  readonly blockers: readonly VacuumBlocker[];
  readonly hidden: boolean;
}

/** When a run measures by itself. */
export type SizeMoment = 'begin' | 'end';
