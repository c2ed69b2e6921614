/** How long a transaction may wait and work, in milliseconds. 0 is no limit. */
export interface TransactionLimits {
  readonly lockMillis: number;
  readonly statementMillis: number;
}

/** When a transaction is out of time. */
export interface Deadline {
  /** By `performance.now()`. */
  readonly at: number;
  /** The time that it has in all, which is the limit of its first statement. */
  readonly millis: number;
}
