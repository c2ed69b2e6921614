/** Where sizes start: the original's batch. */
const FIRST_SIZE = 1000;
/** A batch is aimed at this part of its target, since some take longer than planned: a checkpoint, a slow commit. */
const AIM = 0.6;
/** What a deleted row is expected to cost before any was measured, in milliseconds: three times the usual. */
const FIRST_COST = 0.004;
/** How much a new measurement counts against the ones before. */
const WEIGHT = 0.3;

/**
 * Adapts the size of batches so that each takes a target time: grows by at most twice a batch, shrinks as much as a
 * slow one asks for, halves after a timeout. A time and not a number of rows is what others on the database feel.
 */
export class Pacer {
  #size: number;
  #cost = FIRST_COST;
  #familySize: number;
  readonly #aim: number;

  /** `targetMillis` for a batch, `familySize` as the statistics have it, `size` where an earlier slice ended. */
  constructor(targetMillis: number, familySize: number, size: number = FIRST_SIZE) {
    this.#aim = targetMillis * AIM;
    this.#familySize = familySize;
    this.#size = Math.max(1, size);
  }

  /** Rows to aim at, in all tables together. */
  get size(): number {
    return Math.max(1, Math.round(this.#size));
  }

  /** A row with more than this is too much for one batch, however small. */
  get giant(): number {
    return Math.max(10_000, Math.round((2 * this.#aim) / this.#cost));
  }

  /** Rows deleted in all tables for each row of the pass's own. */
  get familySize(): number {
    return Math.max(1, this.#familySize);
  }

  /** Learns from a batch that went through. */
  learn(millis: number, rows: number, taken: number): void {
    if (rows >= 100) this.#cost += WEIGHT * (millis / rows - this.#cost);
    if (taken > 0) this.#familySize += WEIGHT * (rows / taken - this.#familySize);
    // Where nothing was deleted a batch is fast whatever its size; the next rows may lie dense again.
    const ceiling = Math.max(100, (2 * this.#aim) / this.#cost);
    const factor = Math.min(2, this.#aim / Math.max(millis, 0.1));
    this.#size = Math.max(1, Math.min(this.#size * factor, ceiling));
  }

  /** A lock or a timeout ended the batch. */
  shrink(): void {
    this.#size = Math.max(1, this.#size / 2);
  }
}
