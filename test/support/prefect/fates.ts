import { expect } from '@jest/globals';

import type { TestDatabase } from '../database.ts';
import { readIds } from './model.ts';

/** Rows of which it is known what a pass should do with them, each by what makes it special. */
export class Fates {
  readonly #rows: {
    readonly pass: string;
    readonly why: string;
    readonly goes: boolean;
    readonly id: string;
  }[] = [];

  /** Rows that a pass should take. */
  go(pass: string, why: string, ...ids: readonly string[]): void {
    for (const id of ids) this.#rows.push({ pass, why, goes: true, id });
  }

  /** Rows that it should spare, and that no other pass takes. */
  stay(pass: string, why: string, ...ids: readonly string[]): void {
    for (const id of ids) this.#rows.push({ pass, why, goes: false, id });
  }

  /** Every row that these passes should take is gone, and all others are there. */
  async expectMet(database: TestDatabase, passes: readonly string[]): Promise<void> {
    const ids = new Set([...(await readIds(database)).values()].flatMap((of) => [...of]));
    const wrong = this.#rows
      .filter(({ pass, goes, id }) => (goes && passes.includes(pass)) === ids.has(id))
      .map(({ pass, why, id }) => `${pass}, ${why}: ${ids.has(id) ? 'is still there' : 'is gone'}`);
    expect([...new Set(wrong)]).toEqual([]);
  }
}
