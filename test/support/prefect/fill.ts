import type pg from 'pg';

/** How much to fill in. Counts are of what is asked for; odd cases come on top. */
export interface FillOptions {
  /** Flow runs, the oldest first. Every 20th has subflows three levels deep; a few never ended or never started. */
  readonly runs: number;
  /** How many of them, the oldest, ended more than 91 days ago. */
  readonly oldRuns: number;
  readonly logsPerRun: number;
  readonly tasksPerRun: number;
  /** Runs that are gone, of which logs are left. */
  readonly goneRuns: number;
  /** Logs of each of these. */
  readonly logsPerGoneRun: number;
}

/**
 * Fills a Prefect-shaped database with plain `insert ... select`. The same options give rows of the same shape; ids
 * are random. Rows lie in the order of time, as they would have been written.
 */
export async function fillPrefect(client: pg.ClientBase, options: FillOptions): Promise<void> {
  const { runs, oldRuns, logsPerRun, tasksPerRun, goneRuns, logsPerGoneRun } = options;
  const query = async (sql: string, values: readonly unknown[] = []): Promise<void> => {
    await client.query(sql, [...values]);
  };
  await query(`insert into flow (name) select 'flow-' || n from generate_series(1, 5) as n`);
  await query(
    `create temp table fill_run as
     select
       n,
       gen_random_uuid() as id,
       case
         when n % 40 = 5 then now() - interval '10 days'
         when n % 60 = 45 then now() - interval '150 days'
         when n <= $2::int then now() - interval '91 days' - ($2::int - n) * interval '5 minutes'
         else now() - interval '89 days' * (1 - (n - $2::int)::float8 / greatest(1, $1::int - $2::int)) - interval '1 hour'
       end as ended,
       (case
         when n % 100 = 10 then 'RUNNING' when n % 100 = 11 then 'PAUSED' when n % 100 = 13 then 'SCHEDULED'
         when n % 25 = 14 then 'FAILED' when n % 50 = 15 then 'CRASHED' when n % 50 = 16 then 'CANCELLED'
         else 'COMPLETED'
       end)::state_type as state,
       n % 100 = 12 as endless,
       case when n % 20 in (5, 6, 7) and n > 7 then n - 1 end as parent
     from generate_series(1, $1::int) as n`,
    [runs, oldRuns],
  );
  await query('create index on fill_run (n)');
  await query('analyze fill_run');
  await query(`
    insert into flow_run (
      id, name, flow_id, deployment_id, state_type, state_name, state_timestamp, start_time, end_time,
      expected_start_time, created, updated, parameters, tags)
    select
      r.id, 'run-' || r.n, f.id, md5('deployment-' || r.n % 40)::uuid, r.state, initcap(r.state::text), r.ended,
      r.ended - interval '1 minute',
      case when r.state in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED') and not r.endless then r.ended end,
      r.ended - interval '2 minutes', r.ended - interval '2 minutes', r.ended,
      '{"size": 3, "source": "s3://bucket/file"}', '["nightly"]'
    from fill_run as r
    join flow as f on f.name = 'flow-' || 1 + r.n % 5
    order by r.n`);
  await query(`
    insert into flow_run_state (flow_run_id, type, timestamp, name, created, updated)
    select
      r.id,
      (array['SCHEDULED', 'PENDING', 'RUNNING']::state_type[] || r.state)[s], r.ended - (4 - s) * interval '20 seconds',
      'state', r.ended, r.ended
    from fill_run as r
    cross join generate_series(1, 4) as s
    order by r.n, s`);
  await query(
    `create temp table fill_task as
     select r.n, k, gen_random_uuid() as id, r.id as run, r.ended
     from fill_run as r
     cross join generate_series(1, $1::int) as k`,
    [tasksPerRun],
  );
  await query('create index on fill_task (n, k)');
  await query('analyze fill_task');
  await query(`
    insert into task_run (
      id, flow_run_id, name, task_key, dynamic_key, state_type, state_name, state_timestamp, start_time, end_time,
      expected_start_time, created, updated)
    select
      t.id, t.run, 'task-' || t.k, 'task', t.k::text, 'COMPLETED', 'Completed', t.ended, t.ended, t.ended, t.ended,
      t.ended, t.ended
    from fill_task as t
    order by t.n, t.k`);
  await query(`
    insert into task_run_state (task_run_id, type, timestamp, name, created, updated)
    select t.id, 'COMPLETED', t.ended - (3 - s) * interval '1 second', 'state', t.ended, t.ended
    from fill_task as t
    cross join generate_series(1, 3) as s
    order by t.n, t.k, s`);
  if (tasksPerRun > 0) {
    await query(`
      update flow_run as f
      set parent_task_run_id = t.id
      from fill_run as r
      join fill_task as t on t.n = r.parent and t.k = 1
      where f.id = r.id`);
  }
  await query(
    `insert into log (name, level, flow_run_id, task_run_id, message, timestamp, created, updated)
     select
       'prefect.flow_runs', 10 + 10 * (s % 4), r.id, t.id,
       'Finished step ' || s || ' of run ' || r.n || ' in state Completed() with a line of usual length',
       r.ended + s * interval '50 ms', r.ended, r.ended
     from fill_run as r
     cross join generate_series(1, $1::int) as s
     left join fill_task as t on t.n = r.n and t.k = s
     order by r.n, s`,
    [logsPerRun],
  );
  await query(`
    insert into flow_run_input (flow_run_id, key, value)
    select id, 'input', 'value'
    from fill_run
    where n % 10 = 0`);
  await query(`
    insert into artifact (key, type, data, flow_run_id, task_run_id, created, updated)
    select
      case when r.n % 3 <> 0 then 'report-' || r.n % 200 end, 'markdown', to_json('report of run ' || r.n), r.id, t.id,
      r.ended, r.ended
    from fill_run as r
    left join fill_task as t on t.n = r.n and t.k = 1
    order by r.n`);
  await fillOrphans(query, goneRuns, logsPerGoneRun);
  await query(`
    insert into artifact_collection (key, latest_id, type, data, flow_run_id, task_run_id, created, updated)
    select distinct on (key) key, id, type, data, flow_run_id, task_run_id, created, updated
    from artifact
    where key is not null
    order by key, created desc, id desc`);
  // Some point at nothing already; of some of these nothing survives either.
  await query(`update artifact_collection set latest_id = gen_random_uuid() where key like 'report-%7'`);
  await query(`
    insert into artifact_collection (key, latest_id, type)
    select 'lost-' || n, gen_random_uuid(), 'markdown'
    from generate_series(1, 10) as n`);
  await query('drop table fill_run, fill_task');
}

/** Logs and artifacts of runs that are gone, some too young to go, and rows that never had a run. */
async function fillOrphans(
  query: (sql: string, values?: readonly unknown[]) => Promise<void>,
  goneRuns: number,
  logsPerGoneRun: number,
): Promise<void> {
  await query(
    `insert into log (name, level, flow_run_id, message, timestamp, created, updated)
     select 'prefect.flow_runs', 20, g.id, 'A line of a run that is gone, of usual length for such a line', t, t, t
     from (select n, gen_random_uuid() as id from generate_series(1, $1::int) as n) as g
     cross join generate_series(1, $2::int) as s
     cross join lateral (
       select now() - case when g.n % 10 = 0 then interval '2 hours' else interval '30 days' end
         + s * interval '1 second' as t) as at
     order by g.n, s`,
    [goneRuns, logsPerGoneRun],
  );
  await query(
    `insert into artifact (key, type, data, flow_run_id, created, updated)
     select 'report-' || g.n % 150, 'markdown', '"of a run that is gone"', gen_random_uuid(), at.t, at.t
     from generate_series(1, $1::int) as g(n)
     cross join lateral (
       select now() - case when g.n % 10 = 0 then interval '2 hours' else interval '30 days' end as t) as at`,
    [Math.ceil(goneRuns / 4)],
  );
  await query(`
    insert into log (name, level, message, timestamp)
    select 'prefect.server', 20, 'no run at all', now() - interval '200 days'
    from generate_series(1, 25)`);
}
