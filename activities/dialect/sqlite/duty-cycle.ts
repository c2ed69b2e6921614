import { setTimeout as sleep } from 'node:timers/promises';

import type { Channel } from './channel.ts';

/**
 * The part of the time that the write lock is held, while others write and on a file that nobody else writes. SQLite's lock
 * has no queue: what others notice is not how long a batch is but how much of the time the lock is taken. With 4 % held a
 * Prefect server failed 0 of 53 requests to create a flow run, with 16 % held 27 % of them, with 48 % held 61 %.
 */
const DUTY_BESIDE_OTHERS = 0.05;
const DUTY_ALONE = 0.5;
/** Others count for so long after they were noticed, in milliseconds. */
const REMEMBER_MILLIS = 10_000;
/** A writer that waits asks for the lock in growing steps: a shorter rest it would mostly miss. */
const LEAST_REST_MILLIS = 25;
/** A long hold, as of the list of rows to keep, happens once: it is not paid for with minutes. */
const MOST_REST_MILLIS = 2_000;

/** Leaves the write lock to others for a part of the time. */
export class DutyCycle {
  #othersUntil = Number.NEGATIVE_INFINITY;
  #freeAt = Number.NEGATIVE_INFINITY;
  #version: number | undefined;

  /** Somebody else holds the lock. */
  noticeOthers(): void {
    this.#othersUntil = performance.now() + REMEMBER_MILLIS;
  }

  /** The lock was held for so long, and was given back just now. */
  recordHold(millis: number): void {
    const now = performance.now();
    const duty = now < this.#othersUntil ? DUTY_BESIDE_OTHERS : DUTY_ALONE;
    const rest = Math.max(LEAST_REST_MILLIS, (millis * (1 - duty)) / duty);
    this.#freeAt = now + Math.min(MOST_REST_MILLIS, rest);
  }

  /**
   * Rests before the lock is asked for again. Writes what was committed into the file meanwhile: outside of the lock, so that
   * nobody waits for the disk.
   */
  async rest(writer: Channel): Promise<void> {
    if (this.#freeAt > 0) await writer.run('pragma wal_checkpoint(passive)').catch(() => undefined);
    await this.#look(writer);
    const left = this.#freeAt - performance.now();
    if (left > 0) await sleep(left);
  }

  /** Whether another connection has committed since the last look. */
  async #look(writer: Channel): Promise<void> {
    const { rows } = await writer.run<{ data_version: number }>('pragma data_version');
    const version = rows[0]?.data_version;
    if (this.#version !== undefined && version !== this.#version) this.noticeOthers();
    this.#version = version;
  }
}
