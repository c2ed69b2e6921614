import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import { sayDuration } from '../../policy/duration.ts';
import type { Issue } from '../../policy/issue.ts';

/** Clocks that are further apart make horizons and limits wrong by more than anybody means, in milliseconds. */
const MOST_APART = 60_000;

/** Whether the clocks of this worker and of the database are apart by more than a minute. */
export async function examineClocks(db: Kysely<unknown>): Promise<Issue[]> {
  const before = Date.now();
  const { rows } = await sql<{ now: number }>`
    select (1000 * extract(epoch from clock_timestamp()))::float8 as now`.execute(db);
  const after = Date.now();
  const now = rows[0]?.now ?? Number.NaN;
  const apart = now < before ? before - now : Math.max(0, now - after);
  if (apart <= MOST_APART) return [];
  return [
    {
      at: 'clock',
      what: `the database is ${sayDuration(apart)} ${now < before ? 'behind' : 'ahead of'} the worker, at most a minute is allowed: rows would seem older or newer than they are`,
      fix: 'Set the clocks of both machines, by NTP, and run again',
    },
  ];
}
