import type { ClientBase } from 'pg';

/** A UUID of version 7 for an instant: PostgreSQL before 18 has no function for it. */
const TIME_UUID = `
  create function fill.time_uuid(instant timestamptz) returns uuid language sql volatile as $$
    select (lpad(to_hex((extract(epoch from instant) * 1000)::bigint), 12, '0')
      || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid $$`;

/**
 * Draws up which rows there will be, in narrow tables of schema `fill`: runs over 75 days of which the last 30 are
 * kept, so that three in five are past retention. No row is within six hours of a horizon on its younger side: one
 * contender works for ten minutes, and all must find the same rows old.
 */
export async function planRows(client: ClientBase, runs: number): Promise<void> {
  await client.query('create schema fill');
  await client.query(TIME_UUID);
  await client.query(
    `create unlogged table fill.run as
     select
       n, case when n % 2 = 0 then gen_random_uuid() else fill.time_uuid(ended) end as id, ended,
       ended - (30 + n * 7919 % 1500) * interval '1 second' as started, 30 + n * 7919 % 1500 as seconds,
       (case
         when n % 100 in (10, 30) then 'RUNNING' when n % 100 = 50 then 'PENDING' when n % 100 = 70 then 'PAUSED'
         when n % 100 = 90 then 'SCHEDULED' when n % 25 = 14 then 'FAILED' when n % 50 = 15 then 'CRASHED'
         when n % 50 = 16 then 'CANCELLED' else 'COMPLETED'
       end)::state_type as state,
       n % 50 = 12 as endless,
       case when (n % 20 in (5, 6, 7) or n % 100 = 31) and n > 7 then n - 1 end as parent,
       2 + n % 6 as tasks, 10 + n * 7919 % 41 as logs
     from generate_series(1, $1::int) as n
     cross join lateral (
       select now() - case
         when n <= $1::int * 0.6 then interval '30 days 10 minutes' + interval '45 days' * (1 - n / ($1::int * 0.6))
         else interval '2 hours' + (interval '30 days' - interval '8 hours') * (($1::int - n) / ($1::int * 0.4))
       end as ended) as at`,
    [runs],
  );
  await client.query(`
    create unlogged table fill.state as
    select n, s, run, t, type, name, fill.time_uuid(t) as state
    from (
      select
        r.n, s, r.id as run, case when s = 4 then r.ended else r.started - (3 - s) * interval '2 seconds' end as t,
        types[s] as type, initcap(types[s]::text) as name
      from fill.run as r
      cross join lateral (
        select case
          when r.state = 'SCHEDULED' then '{SCHEDULED}' when r.state = 'PENDING' then '{SCHEDULED,PENDING}'
          when r.state = 'RUNNING' then '{SCHEDULED,PENDING,RUNNING}'
          else ('{SCHEDULED,PENDING,RUNNING,' || r.state || '}') end::state_type[] as types) as as_is
      cross join generate_series(1, cardinality(types)) as s
      order by t) as ordered`);
  await client.query(`
    create unlogged table fill.task as
    select n, k, run, id, started, ended, case when k = 1 then gen_random_uuid() end as result
    from (
      select
        n, k, r.id as run, r.started + (k - 1) * interval '1 second' * r.seconds / r.tasks as started,
        r.started + k * interval '1 second' * r.seconds / r.tasks as ended
      from fill.run as r
      cross join generate_series(1, r.tasks) as k
      order by started) as ordered
    cross join lateral (select fill.time_uuid(started) as id) as made`);
  await client.query(`
    create unlogged table fill.task_state as
    select n, k, s, run, task, result, t, (array['PENDING', 'RUNNING', 'COMPLETED'])[s] as type, fill.time_uuid(t) as state
    from (
      select
        n, k, s, run, id as task, result, case when s = 3 then ended else started + (s - 2) * interval '80 ms' end as t
      from fill.task
      cross join generate_series(1, 3) as s
      order by t) as ordered`);
  await client.query('create index on fill.run (n)');
  await client.query('create index on fill.task (n, k)');
  await client.query('create index on fill.state (n, s)');
  await client.query('analyze fill.run, fill.task, fill.state, fill.task_state');
}
