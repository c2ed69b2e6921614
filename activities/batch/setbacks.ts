import { readDatabaseError } from '../sql/sqlstate.ts';

/** What to do differently after a batch that a lock or a timeout ended. */
export interface Approach {
  /** Lock rows first and pass over those that others hold. */
  readonly careful: boolean;
  /** The part of the pacer's size to try. */
  readonly part: number;
  /** Leave the first row out: it, or something that goes with it, is held by somebody else. */
  readonly passOver: boolean;
}

const USUAL: Approach = { careful: false, part: 1, passOver: false };

/** One step for each setback in a row of a batch. The row lock of one foreign session must not stop a pass. */
const LADDER: readonly Approach[] = [
  USUAL,
  { careful: true, part: 0.5, passOver: false },
  { careful: true, part: 0.1, passOver: false },
  { careful: true, part: 0, passOver: false },
  { careful: true, part: 0, passOver: true },
];

/** So many rows in a row are passed over; then it is more than a row that somebody holds. */
const MOST_PASSED_OVER = 3;

/** After a statement took too long, so many batches are careful from the start: where one row is big, more are. */
const STAY_CAREFUL = 50;

/** Counts the setbacks of a slice and says how to go on. */
export class Setbacks {
  #inARow = 0;
  #passedOver = 0;
  #carefulFor = 0;

  get approach(): Approach {
    const approach = LADDER[this.#inARow] ?? USUAL;
    return this.#carefulFor > 0 ? { ...approach, careful: true } : approach;
  }

  /** A batch went through; `taken` rows went. */
  success(taken: number): void {
    if (this.approach.passOver) this.#passedOver += 1;
    else if (taken > 0) this.#passedOver = 0;
    this.#inARow = 0;
    this.#carefulFor = Math.max(0, this.#carefulFor - 1);
  }

  /** Whether to try the batch again after an error, in another way; else the slice fails and Temporal waits. */
  canGoOn(error: unknown): boolean {
    const database = readDatabaseError(error);
    if (database?.verdict !== 'shrink') return false;
    this.#inARow += 1;
    if (database.sqlstate === '57014') this.#carefulFor = STAY_CAREFUL;
    const { passOver } = this.approach;
    // What is slow by itself is no more to be passed over than what fails: a person should see it.
    if (passOver && (database.sqlstate === '57014' || this.#passedOver >= MOST_PASSED_OVER)) return false;
    return this.#inARow < LADDER.length;
  }
}
