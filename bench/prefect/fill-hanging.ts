import type { ClientBase } from 'pg';

/** Logs, artifacts, collections, background task runs and the state cache; some of each have lost what they were of. */
export async function fillHanging(client: ClientBase, runs: number): Promise<void> {
  const share = (of: number): number => Math.max(4, Math.round((runs * of) / 100_000));
  // Runs that are gone are all older than any grace.
  await client.query(
    `insert into log (id, created, updated, name, level, flow_run_id, task_run_id, message, timestamp)
     select
       fill.time_uuid(t), t + interval '2 seconds', t + interval '2 seconds', 'prefect.task_runs', 10 + 10 * (s % 4), run,
       task,
       'Finished step ' || s || ' in state Completed() with ' || s * 1013 || ' rows read and none rejected; '
         || 'waiting for the next part of industrious-capybara',
       t
     from (
       select s, r.id as run, t.id as task, r.started + s * interval '1 second' * r.seconds / r.logs as t
       from fill.run as r
       cross join generate_series(1, r.logs) as s
       left join fill.task as t on t.n = r.n and t.k = s
       union all
       select s, g.id, null, now() - interval '2 days' - g.n * interval '73 days' / $1::int + s * interval '1 second'
       from (select n, gen_random_uuid() as id from generate_series(1, $1::int) as n) as g
       cross join generate_series(1, 50) as s
       union all
       select n, null, null, now() - interval '2 days' - n * interval '73 days' / $2::int
       from generate_series(1, $2::int) as n
       order by t) as ordered`,
    [share(3_000), share(1_000)],
  );
  await client.query(
    `insert into artifact (id, created, updated, key, type, data, flow_run_id, task_run_id)
     select id, t, t, key, type, to_json('result of ' || id || repeat(' and more', 12)), run, task
     from (
       select result as id, ended as t, null as key, 'result' as type, run, id as task from fill.task where k = 1
       union all
       select gen_random_uuid(), ended, 'report-' || n % $1::int, 'markdown', id, null from fill.run where n % 3 = 0
       union all
       select
         gen_random_uuid(), now() - interval '2 days' - n * interval '73 days' / $2::int,
         case when n % 2 = 0 then 'report-' || n % $1::int end, 'markdown', gen_random_uuid(), null
       from generate_series(1, $2::int) as n
       union all
       select gen_random_uuid(), now() - n * interval '75 days' / $2::int, null, 'table', null, null
       from generate_series(1, $2::int) as n
       order by t) as ordered`,
    [share(6_000), share(5_000)],
  );
  await client.query(`
    insert into artifact_collection (key, latest_id, type, data, flow_run_id, task_run_id, created, updated)
    select distinct on (key) key, id, type, data, flow_run_id, task_run_id, created, updated
    from artifact
    where key is not null
    order by key, created desc`);
  await client.query(`update artifact_collection set latest_id = gen_random_uuid() where key like '%77'`);
  await fillBackground(client, share(4_200));
  await client.query(
    `insert into task_run_state_cache (cache_key, cache_expiration, task_run_state_id, created)
     select 'cache-' || row_number() over (), t + interval '40 days', state, t
     from (select state, t from fill.task_state where s = 3 and k = 2 limit $1::int) as cached
     union all
     select 'lost-' || n, null, gen_random_uuid(), now() - interval '3 days' from generate_series(1, $1::int) as n`,
    [share(3_000)],
  );
}

/** Task runs without a flow run. */
async function fillBackground(client: ClientBase, count: number): Promise<void> {
  await client.query(
    `create unlogged table fill.background as
     select n, gen_random_uuid() as id, now() - interval '75 days' * (1 - n / ($1::float8 + 1)) as t
     from generate_series(1, $1::int) as n`,
    [count],
  );
  await client.query(`
    insert into task_run (
      id, created, updated, name, task_key, dynamic_key, state_type, state_name, state_timestamp, start_time, end_time)
    select id, t, t, 'background', 'send-mail', n::text, 'COMPLETED', 'Completed', t, t, t
    from fill.background`);
  await client.query(`
    insert into task_run_state (task_run_id, type, timestamp, name, created, updated)
    select id, 'COMPLETED', t - s * interval '1 second', 'Completed', t, t
    from fill.background
    cross join generate_series(1, 4) as s`);
  await client.query(`
    insert into log (name, level, task_run_id, message, timestamp, created, updated)
    select 'prefect.task_runs', 20, id, 'A line of a background task run', t, t, t
    from fill.background
    cross join generate_series(1, 3) as s`);
  await client.query(`
    insert into artifact (type, data, task_run_id, created, updated)
    select 'result', '"of a background task run"', id, t, t
    from fill.background`);
}
