import type { Cursor, Shard } from '../passes/index.ts';
import { walkedPart, workAt } from './walked.ts';

/** How far a slice came and how fast, for those who watch. */
export interface PaceReport {
  /** The part of the shard's work that is done, 0 to 1; null where one cannot tell. */
  readonly walked: number | null;
  /** Seconds that the rest takes if it goes on as in this slice; null where one cannot tell. */
  readonly secondsLeft: number | null;
  /** Seconds that the slice took. */
  readonly seconds: number;
  /** In all tables, in this slice; null where it was too short to tell. */
  readonly rowsPerSecond: number | null;
}

/** Sizes start small and double: what the first batches of a shard took says little about the rest. */
const RAMP_MILLIS = 150;

/**
 * Measures a slice of a shard from its begin, by its own clock: pauses, outages and attempts that died are not in
 * it.
 */
export class Pace {
  readonly #shard: Shard;
  readonly #round: number;
  readonly #began = performance.now();
  #ramp: boolean;
  #from: { readonly at: number; readonly cursor: Cursor };
  #rows = 0;
  #last: { readonly at: number; readonly cursor: Cursor };

  /** `ramp`: the shard has only begun. */
  constructor(shard: Shard, round: number, cursor: Cursor, ramp: boolean) {
    this.#shard = shard;
    this.#round = round;
    this.#ramp = ramp;
    this.#from = { at: this.#began, cursor };
    this.#last = this.#from;
  }

  /** Counts a batch that went through. */
  count(cursor: Cursor, rows: number): void {
    if (this.#ramp && this.#last.at - this.#from.at > RAMP_MILLIS) {
      this.#ramp = false;
      this.#from = this.#last;
      this.#rows = 0;
    }
    this.#rows += rows;
    this.#last = { at: performance.now(), cursor };
  }

  /** What came of it. `total` rows are the shard's in its round, by the ledger. */
  report(cursor: Cursor, total: number, familySize: number): PaceReport {
    const standing = { shard: this.#shard, round: this.#round, familySize };
    const now = workAt({ ...standing, cursor, rows: total });
    const before = workAt({ ...standing, cursor: this.#from.cursor, rows: total - this.#rows });
    const end = performance.now();
    const seconds = (end - this.#from.at) / 1000;
    const done = now === null ? 0 : now.behind - (before?.behind ?? 0);
    return {
      walked: walkedPart(now),
      secondsLeft: now !== null && done > 0 ? (now.ahead * seconds) / done : null,
      seconds: (end - this.#began) / 1000,
      rowsPerSecond: this.#last.at > this.#from.at ? this.#rows / seconds : null,
    };
  }
}
