/** A table as a run found it when it started. */
export interface SeenTable {
  readonly oid: string;
  /** Rows, from a sample. */
  readonly rows: number;
  /** The run that saw it. */
  readonly run: number;
}

/** What guards remember of a policy. */
export interface GuardState {
  /** Null before the first run, and once a person acknowledged what blocked the policy. */
  readonly systemIdentifier: string | null;
  /** Null in the same cases. */
  readonly databaseOid: string | null;
  /** By the table's own name, with its schema. */
  readonly tables: Readonly<Record<string, SeenTable>>;
  /** Runs up to this number are no reason to block the policy. */
  readonly knownRun: number;
  /** Why no run may start; null if runs may. */
  readonly blocked: readonly string[] | null;
  readonly blockedAt: string | null;
}

/** What a run that may start leaves for the next one to compare. */
export interface Seen {
  readonly systemIdentifier: string | null;
  readonly databaseOid: string;
  readonly tables: Readonly<Record<string, Omit<SeenTable, 'run'>>>;
}

/** What a preview showed of a pass. */
export interface PreviewedRows {
  readonly pass: string;
  /** When it counted; ISO 8601. */
  readonly at: string;
  /** Rows that would be deleted, by the label of the table. */
  readonly deleted: Readonly<Record<string, number>>;
  /** Files that would be removed. */
  readonly files: number;
}

/** A policy that was blocked, and why. */
export interface BlockedPolicy {
  readonly policy: string;
  readonly reasons: readonly string[];
}

/** What the runs of a ledger tell of its past. */
export interface LedgerPast {
  /** The highest number of a run; 0 if there is none. */
  readonly lastRun: number;
  /** A run above the number that is known, that started or ended in the future. */
  readonly future: number | null;
}
