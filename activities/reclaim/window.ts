import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { TimeWindow } from '../../policy/time-window.ts';

/** The hours in which a pass may work, in a time zone. */
export interface ZonedWindow extends TimeWindow {
  readonly timezone: string;
  /** As the policy writes it. */
  readonly said: string;
}

/**
 * Milliseconds until the window closes, by the database's clock and calendar; 0 where it is closed. It opens at its
 * first minute and is closed at its last. On a day without that time of the clock PostgreSQL takes the one an hour on.
 */
export async function millisLeft(
  db: Kysely<unknown>,
  { from, until, timezone }: ZonedWindow,
  at?: string,
): Promise<number> {
  const over = until < from ? 1440 : 0;
  const { rows } = await sql<{ millis: number }>`
    select coalesce(max(1000 * extract(epoch from w.closes - i.at)), 0)::float8 as millis
    from (select coalesce(${at ?? null}::timestamptz, clock_timestamp()) as at) as i
    cross join unnest(array[-1, 0]) as day
    cross join lateral (
      select date_trunc('day', i.at at time zone ${timezone}::text) + day * interval '1 day' as midnight
    ) as d
    cross join lateral (
      select
        (d.midnight + make_interval(secs => 60 * ${from}::float8)) at time zone ${timezone}::text as opens,
        (d.midnight + make_interval(secs => 60 * ${until + over}::float8)) at time zone ${timezone}::text as closes
    ) as w
    where i.at >= w.opens and i.at < w.closes`.execute(db);
  return rows[0]?.millis ?? 0;
}
