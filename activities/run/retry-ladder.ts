import { readDatabaseError } from '../dialect/read-error.ts';

/** What to do differently after a batch that a lock, a timeout or a constraint ended. */
interface Approach {
  /** Lock rows first and skip those that others have locked. */
  readonly lockFirst: boolean;
  /** The part of the pacer's size to try. */
  readonly part: number;
  /** Skip the first row: somebody else has it, or something that is deleted with it, locked. */
  readonly skipFirstRow: boolean;
  /** Find the rows that the database refuses to delete, and leave them. */
  readonly isolate: boolean;
}

type Rung = Omit<Approach, 'isolate'>;

const USUAL: Rung = { lockFirst: false, part: 1, skipFirstRow: false };

/** One step for each failure in a row of a batch. The row lock of one foreign session must not stop a pass. */
const LADDER: readonly Rung[] = [
  USUAL,
  { lockFirst: true, part: 0.5, skipFirstRow: false },
  { lockFirst: true, part: 0.1, skipFirstRow: false },
  { lockFirst: true, part: 0, skipFirstRow: false },
  { lockFirst: true, part: 0, skipFirstRow: true },
];

/** So many rows in a row are skipped; after that it is more than one locked row. */
const MAX_SKIPPED = 3;

/** After a statement took too long, so many batches lock first from the start: if one row is big, more are. */
const KEEP_LOCKING_FIRST = 50;

/** After the database refused a row, so many batches look for such rows from the start: where one is, more are. */
const KEEP_ISOLATING = 50;

/** Counts the failed batches of a slice and decides how to go on. */
export class RetryLadder {
  #failures = 0;
  #skipped = 0;
  #lockFirstFor = 0;
  #isolateFor = 0;

  get approach(): Approach {
    const rung = LADDER[this.#failures] ?? USUAL;
    const isolate = this.#isolateFor > 0;
    // Only rows that are locked can be told apart.
    return { ...rung, isolate, lockFirst: rung.lockFirst || isolate || this.#lockFirstFor > 0 };
  }

  /** A batch was committed; it deleted `taken` rows of the pass's own table. */
  succeed(taken: number): void {
    if (this.approach.skipFirstRow) this.#skipped += 1;
    else if (taken > 0) this.#skipped = 0;
    this.#failures = 0;
    this.#lockFirstFor = Math.max(0, this.#lockFirstFor - 1);
    this.#isolateFor = Math.max(0, this.#isolateFor - 1);
  }

  /** Whether to try the batch again after an error, in another way; else the slice fails and Temporal waits. */
  canRetry(error: unknown): boolean {
    const database = readDatabaseError(error);
    if (database?.kind === 'row forbidden' && this.#isolateFor === 0) {
      this.#isolateFor = KEEP_ISOLATING;
      return true;
    }
    if (database?.verdict !== 'shrink') return false;
    const isTimeout = database.kind === 'timeout';
    this.#failures += 1;
    if (isTimeout) this.#lockFirstFor = KEEP_LOCKING_FIRST;
    // A row that is slow by itself must not be skipped, as one that fails must not: a person should see it.
    if (this.approach.skipFirstRow && (isTimeout || this.#skipped >= MAX_SKIPPED)) return false;
    return this.#failures < LADDER.length;
  }
}
