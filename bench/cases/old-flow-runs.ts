import type { ClientBase } from 'pg';

import type { BenchCase } from '../bench-case.ts';
import { LOOP_ROWS } from '../bench-case.ts';

const OLD_RUNS = 20_000;
const LOGS_PER_RUN = 100;
const TASKS_PER_RUN = 10;

const OLD = `
  parent_task_run_id is null
  and state_type in ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED')
  and end_time < now() - interval '90 days'`;
const ORPHANED = `
  flow_run_id is not null
  and not exists (select from flow_run where flow_run.id = flow_run_id)`;
const OF_OLD = `flow_run_id in (select id from flow_run where ${OLD})`;

/** 20,000 old runs and as many young ones, each with 100 logs, 10 task runs, 4 + 30 states and an artifact. */
export const oldFlowRuns: BenchCase = {
  name: 'old-flow-runs',
  title: '20,000 old flow runs with 100 logs each, beside as many young ones',
  settings: {},

  async insertRows(client: ClientBase, scale: number): Promise<void> {
    const old = Math.max(10, Math.round(OLD_RUNS * scale));
    await client.query(`insert into flow (name) values ('bench')`);
    await client.query(
      `create temp table fill_run as
       select
         n, gen_random_uuid() as id,
         now() - case
           when n <= $1::int then interval '91 days' + ($1::int - n) * interval '5 minutes'
           else interval '80 days' - (n - $1::int) * (interval '79 days' / $1::int)
         end as t
       from generate_series(1, 2 * $1::int) as n`,
      [old],
    );
    await client.query(`
      insert into flow_run (
        id, name, state_type, state_name, flow_id, end_time, start_time, state_timestamp, expected_start_time,
        created, updated, parameters)
      select id, 'run-' || n, 'COMPLETED', 'Completed', (select id from flow), t, t, t, t, t, t, '{"size": 3}'
      from fill_run
      order by n`);
    await client.query(`
      insert into flow_run_state (flow_run_id, type, timestamp, name)
      select id, 'COMPLETED', t + s * interval '1 second', 'Completed'
      from fill_run
      cross join generate_series(1, 4) as s
      order by n, s`);
    await client.query(
      `create temp table fill_task as
       select gen_random_uuid() as id, r.id as run, r.n, k, r.t
       from fill_run as r
       cross join generate_series(1, $1::int) as k`,
      [TASKS_PER_RUN],
    );
    await client.query(`
      insert into task_run (
        id, flow_run_id, name, task_key, dynamic_key, state_type, state_name, end_time, start_time, state_timestamp)
      select id, run, 'task-' || k, 'task', k::text, 'COMPLETED', 'Completed', t, t, t
      from fill_task
      order by n, k`);
    await client.query(`
      insert into task_run_state (task_run_id, type, timestamp, name)
      select id, 'COMPLETED', t + s * interval '1 second', 'Completed'
      from fill_task
      cross join generate_series(1, 3) as s
      order by n, k, s`);
    await client.query(
      `insert into log (name, level, flow_run_id, message, timestamp, created, updated)
       select
         'prefect.flow_runs', 20, id,
         'Finished step ' || s || ' of run ' || n || ' in state Completed() with a line of usual length', t, t, t
       from fill_run
       cross join generate_series(1, $1::int) as s
       order by n, s`,
      [LOGS_PER_RUN],
    );
    await client.query(`
      insert into artifact (key, type, data, flow_run_id, created, updated)
      select 'key-' || n % 1000, 'markdown', '"x"', id, t, t
      from fill_run
      order by n`);
    await client.query(`
      insert into artifact_collection (key, latest_id, flow_run_id, type, data)
      select distinct on (key) key, id, flow_run_id, type, data
      from artifact
      order by key, created desc`);
  },

  // Task runs, states and inputs go by cascade: faster than children first, 199 ms against 482 ms for 1000 runs.
  plain: [
    `delete from log where ${OF_OLD}`,
    `delete from artifact where ${OF_OLD}`,
    `delete from flow_run where ${OLD}`,
  ],
  loops: {
    // Prefect's own until 3.8.4: runs, and what they leave behind as orphans.
    'common loop of 200': [
      `delete from flow_run where id in (select id from flow_run where ${OLD} limit ${LOOP_ROWS})`,
      `delete from log where id in (select id from log where ${ORPHANED} limit ${LOOP_ROWS})`,
      `delete from artifact where id in (select id from artifact where ${ORPHANED} limit ${LOOP_ROWS})`,
    ],
    'loop of 200, children first': [
      `delete from log where id in (select id from log where ${OF_OLD} limit ${LOOP_ROWS})`,
      `delete from artifact where id in (select id from artifact where ${OF_OLD} limit ${LOOP_ROWS})`,
      `delete from flow_run where id in (select id from flow_run where ${OLD} limit ${LOOP_ROWS})`,
    ],
  },
};
