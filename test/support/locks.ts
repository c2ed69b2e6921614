import type { TestDatabase } from './database.ts';
import { waitFor } from './wait.ts';

/** Waits until some session of a database waits for a lock that another one holds, or until some work ends that need not wait. */
export async function waitForLockWait(database: TestDatabase, work?: Promise<unknown>): Promise<void> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  void work?.then(end, end);
  await waitFor(
    'a statement to wait for a lock',
    async () =>
      ended ||
      (await database.value(
        `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )) > 0,
    10_000,
  );
}
