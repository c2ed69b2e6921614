import { afterEach, beforeEach } from '@jest/globals';

import type { TestDatabase } from '../database.ts';
import { createDatabase } from '../database.ts';
import { PrefectRows } from './rows.ts';

/** A Prefect-shaped database for each test of a file, empty at its begin. */
export class FreshPrefect {
  #database: TestDatabase | undefined;
  #rows: PrefectRows | undefined;

  /** To be called where hooks can be registered. */
  static forEach(): FreshPrefect {
    const fresh = new FreshPrefect();
    beforeEach(async () => {
      fresh.#database = await createDatabase();
      fresh.#rows = new PrefectRows(fresh.#database);
    });
    afterEach(async () => fresh.database.drop());
    return fresh;
  }

  get database(): TestDatabase {
    if (this.#database === undefined) throw new Error('no test is under way');
    return this.#database;
  }

  get rows(): PrefectRows {
    if (this.#rows === undefined) throw new Error('no test is under way');
    return this.#rows;
  }

  /** The option that names it to a command. */
  at(): string[] {
    return ['--url', this.database.url];
  }

  /** Its URL for another role. */
  urlFor(role: string): string {
    const url = new URL(this.database.url);
    url.username = role;
    return url.toString();
  }
}
