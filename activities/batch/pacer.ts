import type { BatchDone } from './run-batch.ts';

/** Where sizes start: the original's batch. */
const FIRST_SIZE = 1000;
/** A batch is aimed at this part of its target, since some take longer than planned: a checkpoint, a slow commit. */
const AIM = 0.6;
/** Below this size a batch takes what its statements take, whatever the rows: only a timeout makes it smaller. */
const LEAST_SIZE = 100;
/** What a deleted row is expected to cost before any was measured, in milliseconds: three times the usual. */
const FIRST_COST = 0.004;
/** How many rows are read for each that is wanted before it is known how many qualify, and at the most. */
const FIRST_REACH = 1;
const MOST_REACH = 100_000;
/** How much a new measurement counts against the ones before; more where it says that things are slower. */
const WEIGHT = 0.3;
const WEIGHT_OF_SLOWER = 0.7;

/**
 * Adapts the size of batches so that each takes a target time: grows by at most twice a batch, shrinks as much as a
 * slow one asks for, halves after a timeout. A time and not a number of rows is what others on the database feel.
 */
export class Pacer {
  #size: number;
  #cost = FIRST_COST;
  #floor = LEAST_SIZE;
  #familySize: number;
  #reach = FIRST_REACH;
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

  /** Rows of a giant to delete in one batch. By the cost of rows alone: weighing it takes the same for few and many. */
  get bite(): number {
    return Math.max(100, Math.round(this.#aim / this.#cost));
  }

  /** Rows deleted in all tables for each row of the pass's own. */
  get familySize(): number {
    return Math.max(1, this.#familySize);
  }

  /** Rows to read in physical order for each that is wanted: few where most qualify, many where hardly any does. */
  get reach(): number {
    return this.#reach;
  }

  /** Learns from a batch that went through. Weighing a giant takes its time whatever goes of it. */
  learnFrom({ outcome, millis, rows }: BatchDone): void {
    if (outcome.filled !== undefined) this.#learnReach(outcome.filled, millis);
    if (outcome.emptiedIn === undefined) this.learn(millis, rows, outcome.taken);
    else this.learnBite(outcome.emptiedIn, rows);
  }

  /** Learns from a batch that deleted rows with all that belongs to them: its time, rows in all tables, own rows. */
  learn(millis: number, rows: number, taken: number): void {
    // Where few rows of those that were read qualify, the time went into reading them.
    if (rows >= 100 && rows >= this.#size / 4) this.#learnCost(millis / rows);
    if (taken > 0) this.#familySize += WEIGHT * (rows / taken - this.#familySize);
    // Where nothing was deleted a batch is fast whatever its size; the next rows may lie dense again.
    const ceiling = Math.max(100, (2 * this.#aim) / this.#cost);
    const factor = Math.min(2, this.#aim / Math.max(millis, 0.1));
    this.#size = Math.max(this.#floor, Math.min(this.#size * factor, ceiling));
  }

  /** Learns what rows cost from a batch that only made a giant smaller, and how long their deletes took. */
  learnBite(millis: number, rows: number): void {
    if (rows > 0) this.#learnCost(millis / rows);
  }

  #learnReach(filled: number, millis: number): void {
    if (filled >= 1) this.#reach = Math.max(1, this.#reach / 2);
    else if (filled < 0.25 && millis < this.#aim / 2) this.#reach = Math.min(this.#reach * 2, MOST_REACH);
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
