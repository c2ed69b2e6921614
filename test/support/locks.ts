import type { TestDatabase } from './database.ts';
import { waitFor } from './wait.ts';

/** Waits until some session of a database waits for a lock that another one holds. */
export async function waitForLockWait(database: TestDatabase): Promise<void> {
  await waitFor(
    'a statement to wait for a lock',
    async () =>
      (await database.value(
        `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )) > 0,
    10_000,
  );
}
