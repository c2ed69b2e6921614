import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { describeNeeding } from '../support/needing.ts';
import { everyPass } from '../support/prefect/every-pass.ts';
import { fillEvents } from '../support/prefect/fill-events.ts';
import { fillPrefect } from '../support/prefect/fill.ts';
import { PrefectHome } from '../support/prefect/home.ts';
import { LivingRuns } from '../support/prefect/living-runs.ts';
import { migratePrefect, startPrefectServer } from '../support/prefect/server.ts';
import { TemporalSession } from '../support/temporal.ts';
import { fetchReport } from '../support/vacuum.ts';

const MINUTES = 60_000;
const PAST = { runs: 300, oldRuns: 200, logsPerRun: 10, tasksPerRun: 3, goneRuns: 60, logsPerGoneRun: 10 };
/** How many families of three real flow runs each are run meanwhile. */
const FAMILIES = 3;

describeNeeding(
  ['temporal', 'prefect'],
  'a Prefect server at work while the vacuum runs again and again',
  () => {
    const session = new TemporalSession();
    const home = new PrefectHome();
    let database: TestDatabase;

    beforeAll(async () => {
      database = await createDatabase('template1');
      await migratePrefect(home, database.url);
      const client = await database.pool.connect();
      await fillPrefect(client, PAST);
      await fillEvents(client, { old: 2_000, young: 500 });
      client.release();
    }, 3 * MINUTES);
    afterAll(async () => {
      await session.close();
      await database.drop();
      home.remove();
    });

    test(
      'nothing of a living run is lost, and no request of the server fails',
      async () => {
        const server = await startPrefectServer(home, database.url, {
          services: true,
          settings: NO_OWN_VACUUM,
        });
        try {
          const living = new LivingRuns(server.api);
          const end = new AbortController();
          const work = Promise.all([
            living.keepMaking(end.signal),
            server.runFlows('families', String(FAMILIES)).finally(() => end.abort()),
          ]);
          const rows: number[] = [];
          // Small batches with rests between, so that much of the server's work falls into each run.
          const policies = [{ ...everyPass(), batchSize: 40, batchPause: 5 }];
          const taskQueue = session.queue();
          await session.withVacuum({ taskQueue, url: database.url, policies }, async () => {
            while (!end.signal.aborted || rows.length < 3) {
              const handle = await session.start(taskQueue);
              expect(await handle.result()).toMatchObject({ status: 'completed' });
              rows.push((await fetchReport(database, handle.workflowId)).rows);
            }
          });
          await work;
          expect(rows[0]).toBeGreaterThan(5_000);
          expect(living.failures).toEqual([]);
          expect(living.runs).toBeGreaterThan(5);
          await living.expectAllThere(database);
          await expectFamilies(database);
          expect(await database.value(OLD)).toBe(0);
        } finally {
          await server.stop();
        }
        expect(home.log).not.toMatch(/ERROR|Traceback|Exception/);
      },
      3 * MINUTES,
    );
  },
);

/** Its own vacuum of events would take what ours is to take. */
const NO_OWN_VACUUM = {
  PREFECT_SERVER_EVENTS_RETENTION_PERIOD: 'P3650D',
  PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES: '{}',
};

/** Runs that the vacuum was to take. */
const OLD = `
  select count(*)
  from flow_run
  where
    parent_task_run_id is null and state_type in ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED')
    and coalesce(end_time, state_timestamp) < now() - interval '90 days'`;

/** The real flows ended well, each with its whole family, its task runs and its lines. */
async function expectFamilies(database: TestDatabase): Promise<void> {
  const runs = await database.rows<{
    name: string;
    state: string;
    tasks: number;
    lines: number;
    states: number;
  }>(`
    select
      f.name, f.state_type::text as state,
      (select count(*) from task_run as t where t.flow_run_id = f.id and t.name like 'add%') as tasks,
      (select count(*) from flow_run_state as s where s.flow_run_id = f.id) as states,
      (select count(*) from log as l where l.flow_run_id = f.id) as lines
    from flow_run as f
    where f.name like 'living-%'
    order by f.name`);
  expect(runs).toHaveLength(3 * FAMILIES);
  for (const run of runs) {
    expect(run).toMatchObject({ state: 'COMPLETED', tasks: 1 });
    expect(run.states).toBeGreaterThanOrEqual(3);
    expect(run.lines).toBeGreaterThan(0);
  }
}
