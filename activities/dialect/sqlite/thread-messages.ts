/** What a value of SQLite is on this side of a thread. */
export type SqliteValue = string | number | bigint | Uint8Array | null;

/** What a thread is started with. */
export interface ThreadOptions {
  readonly file: string;
  /** It may not write, except into its own temporary tables. */
  readonly readOnly: boolean;
  /** `none`: the file is only there to be locked. */
  readonly pragmas?: 'none';
  /** A transaction that gets no statement for so long is rolled back, in milliseconds: it would keep others from writing. */
  readonly idleMillis: number;
  /** One number: not 0 ends the statement that runs, if it calls `vacuum_goes_on()`. */
  readonly cancelled: SharedArrayBuffer;
}

/** A statement for a thread. */
export interface ThreadRequest {
  readonly id: number;
  readonly sql: string;
  readonly values: readonly SqliteValue[];
}

/** What became of a statement. */
export type ThreadReply = { readonly id: number } & (
  | { readonly rows: readonly object[]; readonly changes: number }
  | { readonly error: { readonly code: string; readonly message: string } }
);

/** The code of a statement that found its transaction rolled back because none came for so long. */
export const IDLE = 'SQLITE_VACUUM_IDLE';
/** The code of a statement that was asked to end. */
export const CANCELLED = 'SQLITE_VACUUM_CANCELLED';
/** The code of a statement that met a value of a column that is no instant in a known form. The message names the
 * column, and never the value. */
export const NO_INSTANT = 'SQLITE_VACUUM_NO_INSTANT';
