import type { ClientBase } from 'pg';

import type { BenchCase } from '../bench-case.ts';
import { LOOP_ROWS } from '../bench-case.ts';

const LOGS = 10_000_000;
const LOGS_PER_RUN = 100;

const ORPHANED = `
  flow_run_id is not null
  and timestamp < now() - interval '1 day'
  and not exists (select from flow_run where flow_run.id = log.flow_run_id)`;

/** 10 million logs, of which those of every second run, by chance, have lost their run. */
export const orphanedLogs: BenchCase = {
  name: 'orphaned-logs',
  title: '10 million logs of which half are orphans',
  settings: {},

  async insertRows(client: ClientBase, scale: number): Promise<void> {
    const runs = Math.max(10, Math.round((LOGS * scale) / LOGS_PER_RUN));
    await client.query(`insert into flow (name) values ('bench')`);
    await client.query(
      `create temp table fill_run as
       select n, gen_random_uuid() as id, random() < 0.5 as alive from generate_series(1, $1::int) as n`,
      [runs],
    );
    await client.query(`
      insert into flow_run (id, name, state_type, state_name, flow_id, end_time, start_time, state_timestamp)
      select id, 'run-' || n, 'COMPLETED', 'Completed', (select id from flow), t, t, t
      from fill_run
      cross join lateral (select now() - interval '2 days' as t) as at
      where alive`);
    await client.query(
      `insert into log (name, level, flow_run_id, message, timestamp, created, updated)
       select
         'prefect.flow_runs', 20, r.id,
         'Finished step ' || s || ' of run ' || r.n || ' in state Completed() with a line of usual length', t, t, t
       from fill_run as r
       cross join generate_series(1, $2::int) as s
       cross join lateral (
         select now() - interval '100 days' + r.n * (interval '90 days' / $1::int) + s * interval '1 second' as t) as at
       order by r.n, s`,
      [runs, LOGS_PER_RUN],
    );
  },

  plain: [`delete from log where ${ORPHANED}`],
  loops: {
    'common loop of 200': [
      `delete from log where id in (select id from log where ${ORPHANED} limit ${LOOP_ROWS})`,
    ],
  },
};
