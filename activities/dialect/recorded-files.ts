import type { Outbox } from './rows.ts';

/** A file that waits to be removed. */
export interface RecordedFile {
  readonly id: string;
  readonly path: string;
  /** Its size right before its removal started; null before. */
  readonly bytes: number | null;
  /** When its row was deleted, in milliseconds since the epoch. */
  readonly recordedAt: number;
}

/** The files that some passes of a policy recorded for a root. */
export interface OutboxPart {
  readonly outbox: Outbox;
  readonly passes: readonly string[];
  readonly root: string;
}

/** Files of deleted rows, and stray files, that wait to be removed. */
export interface RecordedFiles {
  /** The first and the last of them, by number; undefined if none waits. */
  findBounds(part: OutboxPart): Promise<{ readonly first: string; readonly last: string } | undefined>;
  /** The next of them after a number. */
  readNext(
    part: OutboxPart,
    range: { readonly after: string; readonly upto: string },
    limit: number,
  ): Promise<RecordedFile[]>;
  /** Some of them up to a number, at random, whose removal has not started. */
  readSample(part: OutboxPart, upto: string, limit: number): Promise<RecordedFile[]>;
  /** Those whose removal started: measured and not settled. */
  readStarted(part: OutboxPart, upto: string | undefined, limit: number): Promise<RecordedFile[]>;
  /** Writes the sizes of files whose removal starts with the next batch. */
  recordSizes(files: readonly { readonly id: string; readonly bytes: number }[]): Promise<void>;
  /** Deletes the records of files that are done with. */
  forget(ids: readonly string[]): Promise<void>;
  /** Leaves files that could not be removed to the next run, with the reason. */
  postpone(files: readonly { readonly id: string; readonly reason: string }[]): Promise<void>;
  /** Records stray files whose removal starts with the next batch. */
  recordStrays(
    outbox: Outbox,
    root: string,
    strays: readonly { readonly key: string; readonly bytes: number }[],
  ): Promise<void>;
  /** Deletes all records of a pass for a root. */
  forgetAll(part: OutboxPart): Promise<void>;
}
