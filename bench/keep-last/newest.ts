import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';

import { KEPT } from './schema.ts';

/** A sample looks at so many jobs, and the next one comes so many milliseconds later: few, so that they do not slow the run. */
const SAMPLED = 100;
const REST_MILLIS = 100;

/** Writes down the newest results of each job as they are now, in a table beside them. */
export async function saveNewest(client: Client): Promise<void> {
  await client.query(
    `create table newest as
     select id, job, nth
     from (select id, job, row_number() over (partition by job order by at desc, id desc) as nth from result) as n
     where nth <= ${KEPT}`,
  );
}

/**
 * How many are gone of those that were written down and of those that others wrote since, `inserted` in all, none of which
 * may go. Results that were written before the first batch may have taken the place of as many of the former.
 */
export async function countLost(client: Client, inserted: number): Promise<number> {
  const lost = await readValue(
    client,
    `select count(*)
     from newest as n
     left join result as r on r.id = n.id
     left join (
       select job, count(*) as rows
       from result
       where text = 'new' and at <= (select min(at) from vacuum.batch)
       group by job
     ) as early on early.job = n.job
     where r.id is null and n.nth <= ${KEPT} - coalesce(early.rows, 0)`,
  );
  const young = await readValue(client, `select count(*) from result where text = 'new'`);
  return lost + inserted - young;
}

/** The fewest results of a job, of all. */
export async function readFewest(client: Client): Promise<number> {
  return readValue(client, 'select min(n) from (select count(*) as n from result group by job) as g');
}

/** Looks at some jobs again and again. */
export interface Sampling {
  /** Ends it; the fewest results that a job had at any look, and how many looks there were. */
  end(): Promise<{ readonly fewest: number; readonly looks: number }>;
}

/** Begins to look at jobs by chance, in a session of its own. */
export async function startSampling(url: string, groups: number): Promise<Sampling> {
  const client = new Client(url);
  await client.connect();
  const over = new AbortController();
  let [fewest, looks] = [Infinity, 0];
  const sample = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const jobs = Array.from({ length: SAMPLED }, () => Math.floor(Math.random() * groups));
      const least = await readValue(
        client,
        `select min((select count(*) from result as r where r.job = j.job)) from unnest($1::int[]) as j(job)`,
        [jobs],
      );
      fewest = Math.min(fewest, least);
      looks += 1;
      await sleep(REST_MILLIS);
    }
  };
  const done = sample();
  return {
    async end(): Promise<{ fewest: number; looks: number }> {
      over.abort();
      await done;
      await client.end();
      return { fewest, looks };
    },
  };
}

/** The only value of a statement, as a number. */
export async function readValue(
  client: Client,
  sql: string,
  values: readonly unknown[] = [],
): Promise<number> {
  const { rows } = await client.query<Record<string, string>>(sql, [...values]);
  return Number(Object.values(rows[0] ?? {})[0]);
}
