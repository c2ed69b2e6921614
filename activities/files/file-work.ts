import type { Cursor } from '../stored/cursor.ts';
import type { ReportedRows } from '../stored/report.ts';

/** A file that a batch is done with. */
export interface FileResult {
  readonly id: string;
  /** Bytes that were given back; null if this file was not removed. */
  readonly removed: number | null;
  /** Why it stays, for good or until the next run. */
  readonly reason?: string;
  /** It may be tried again. */
  readonly failed?: true;
}

/** What was done with files before a batch: the batch writes it into the ledger. */
export interface FileWork {
  readonly fileResults: readonly FileResult[];
  /** Files that the next batch removes, and their sizes. */
  readonly measured: readonly { readonly id: string; readonly bytes: number }[];
  /** Files that no row records, which the next batch removes. */
  readonly strays: readonly { readonly key: string; readonly bytes: number }[];
  /** What was found and only counted. */
  readonly found?: ReportedRows;
  /** What was left beside these files, by reason. */
  readonly left?: Readonly<Record<string, number>>;
  readonly cursor: Cursor;
  readonly done: boolean;
}

/** How files are worked on. */
export interface FileOptions {
  /** How many at a time. */
  readonly concurrency: number;
  /** When it fires, what is under way may finish and nothing more is started. */
  readonly signal: AbortSignal;
  /** Writes an error of the file store into the worker's log at level debug. */
  readonly debug: (error: unknown) => void;
}
