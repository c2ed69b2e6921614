import type { Client } from 'pg';

/** The newest rows of each group that stay. */
export const KEPT = 10;

/** A million results of ten thousand jobs, all of them old, in the order in which jobs write them: by turns. */
export async function fillResults(client: Client, scale: number): Promise<{ rows: number; groups: number }> {
  const rows = Math.round(1_000_000 * scale);
  const groups = Math.max(10, Math.round(10_000 * scale));
  await client.query(`
    create table result (
      id bigint generated always as identity primary key,
      job integer not null,
      at timestamptz not null,
      text text not null
    )`);
  await client.query(
    `insert into result (job, at, text)
     select n % $2::int, now() - interval '30 days' + n * interval '1 second', repeat('x', 60)
     from generate_series(1, $1::int) as n`,
    [rows, groups],
  );
  await client.query('create index on result (at)');
  await client.query('create index on result (job, at)');
  return { rows, groups };
}
