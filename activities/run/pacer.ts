import type { CommittedBatch } from './batch.ts';

/** Where sizes start: the original's batch. */
const FIRST_SIZE = 1000;
/** A batch aims at this part of its target, since some take longer than planned: a checkpoint, a slow commit. */
const AIM_RATIO = 0.6;
/** Below this size a batch takes what its statements take, whatever the rows: only a timeout makes it smaller. */
const MIN_SIZE = 100;
/** What a deleted row is expected to cost before any was measured, in milliseconds: three times the usual. */
const FIRST_COST = 0.004;
/** How many rows are read for each that is wanted before it is known how many are deletable, and at the most. */
const FIRST_READ_FACTOR = 1;
const MAX_READ_FACTOR = 100_000;
/**
 * The next batch is at most so many times as large, or reads so many times as much for a row, but not both. Twice took more batches to get
 * there: the small Prefect took 3.65 s in 144 batches instead of 3.51 s in 134, and the longest was as long.
 */
const MAX_GROWTH = 4;
/** How much a new measurement counts against the ones before; more if it is slower. */
const WEIGHT = 0.3;
const WEIGHT_OF_SLOWER = 0.7;

/**
 * Adapts the size of batches so that each takes a target time: grows by at most four times a batch, shrinks as much as a
 * slow one asks for, halves after a timeout. A time and not a number of rows is what others on the database notice.
 */
export class Pacer {
  #size: number;
  #cost = FIRST_COST;
  #floor = MIN_SIZE;
  #rowsPerParent: number;
  #readFactor = FIRST_READ_FACTOR;
  readonly #aim: number;

  /** `targetMillis` for a batch, `rowsPerParent` as the statistics have it, `size` where an earlier slice ended. */
  constructor(targetMillis: number, rowsPerParent: number, size: number = FIRST_SIZE) {
    this.#aim = targetMillis * AIM_RATIO;
    this.#rowsPerParent = rowsPerParent;
    this.#size = Math.max(1, size);
  }

  /** Rows to aim at, in all tables together. */
  get size(): number {
    return Math.max(1, Math.round(this.#size));
  }

  /**
   * A row with more dependents than this is too much for one batch, however small. One row with 2.9 million dependents made
   * a transaction of 870 ms without, and of 95 ms at the most with it.
   */
  get oversized(): number {
    return Math.max(10_000, Math.round((2 * this.#aim) / this.#cost));
  }

  /** Rows of an oversized row to delete in one batch. By the cost of rows alone: counting takes the same for few and many. */
  get chunk(): number {
    return Math.max(100, Math.round(this.#aim / this.#cost));
  }

  /**
   * Rows deleted in all tables for each row of the pass's own. Of 500 rows with 2,000 dependents each the first batch took
   * 855 ms without the figure of the statistics, and no batch more than 108 ms with it.
   */
  get rowsPerParent(): number {
    return Math.max(1, this.#rowsPerParent);
  }

  /**
   * Rows to read for each that is wanted: few if most are deletable, many if hardly any is. Of a million rows, of which 1,000
   * are deletable with 200 dependents each, 29 batches in 0.5 s delete them, and 5,384 in 12 s without.
   */
  get readFactor(): number {
    return this.#readFactor;
  }

  /** Learns from a committed batch. Counting an oversized row takes its time whatever is deleted of it. */
  learnFrom({ outcome, millis, rows }: CommittedBatch): void {
    const reads = outcome.filled === undefined ? 1 : this.#learnReadFactor(outcome.filled, millis);
    if (outcome.drainMillis === undefined) this.learn(millis, rows, outcome.taken, reads);
    else this.learnChunk(outcome.drainMillis, rows);
  }

  /**
   * Learns from a batch that deleted rows with all that belongs to them: its time, rows in all tables, own rows, and how many
   * times as much the next one reads for a row. Both together grow by at most four times.
   */
  learn(millis: number, rows: number, taken: number, reads = 1): void {
    // If few of the rows that were read are deletable, the time went into reading them.
    if (rows >= 100 && rows >= this.#size / 4) this.#learnCost(millis / rows);
    if (taken > 0) this.#rowsPerParent += WEIGHT * (rows / taken - this.#rowsPerParent);
    // If nothing was deleted a batch is fast whatever its size; the next rows may lie dense again.
    const ceiling = Math.max(100, (2 * this.#aim) / this.#cost);
    const factor = Math.min(MAX_GROWTH, this.#aim / Math.max(millis, 0.1)) / reads;
    this.#size = Math.max(this.#floor, Math.min(this.#size * factor, ceiling));
  }

  /** Learns what rows cost from a batch that only drained an oversized row, and how long its deletes took. */
  learnChunk(millis: number, rows: number): void {
    if (rows > 0) this.#learnCost(millis / rows);
  }

  /** Returns how many times as much the next batch reads for a row; at least 1. */
  #learnReadFactor(filled: number, millis: number): number {
    const before = this.#readFactor;
    if (filled >= 1) this.#readFactor = Math.max(1, before / 2);
    else if (filled < 1 / MAX_GROWTH && millis < this.#aim / 2) {
      this.#readFactor = Math.min(before * MAX_GROWTH, MAX_READ_FACTOR);
    }
    return Math.max(1, this.#readFactor / before);
  }

  #learnCost(cost: number): void {
    const weight = cost > this.#cost ? WEIGHT_OF_SLOWER : WEIGHT;
    this.#cost += weight * (cost - this.#cost);
  }

  /** A lock or a timeout ended the batch. */
  shrink(): void {
    this.#size = Math.max(1, this.#size / 2);
    this.#floor = Math.min(this.#floor, this.#size);
  }
}
