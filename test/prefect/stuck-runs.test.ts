import { randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import type { LedgerPassReport } from '../../activities/stored/report.ts';
import { prefect } from '../../policy/presets/prefect/index.ts';
import type { PrefectSettings } from '../../policy/presets/prefect/index.ts';
import { freePort } from '../../worker/dev-server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { runEngine } from '../support/engine.ts';
import { describeNeeding } from '../support/needing.ts';
import { PrefectHome } from '../support/prefect/home.ts';
import { migratedPrefect } from '../support/prefect/migrated.ts';
import { PrefectRows } from '../support/prefect/rows.ts';
import type { PrefectServer } from '../support/prefect/server.ts';
import { startPrefectServer } from '../support/prefect/server.ts';

const LOGIN = 'admin:a secret, with: colons';

describeNeeding(['prefect'], 'stuck runs of a real Prefect', () => {
  const home = new PrefectHome();
  let database: TestDatabase;
  let server: PrefectServer;
  let stop = async (): Promise<void> => undefined;
  let flow: string;

  beforeAll(async () => {
    database = await createDatabase(await migratedPrefect());
    server = await startPrefectServer(home, database.url, { services: false, login: LOGIN });
    stop = server.stop;
    flow = (await server.api.post<{ id: string }>('/flows/', { name: 'stuck' })).id;
  }, 180_000);
  afterEach(async () => {
    await database.rows(`drop schema if exists vacuum cascade; delete from flow_run; delete from events`);
  });
  afterAll(async () => {
    await stop();
    await database.drop();
    home.remove();
  });

  /** The policy, which deletes runs after ninety days; `login` is what it knows of Prefect's. */
  const run = async (settings: PrefectSettings = {}, login = LOGIN): Promise<LedgerPassReport> => {
    const environment = { PREFECT_API_URL: server.api.url, PREFECT_API_AUTH_STRING: login };
    const policy = prefect({ enabled: true, ...settings }, environment);
    const report = await runEngine(database.url, policy, { passes: ['stuck-runs', 'old-flow-runs'] });
    const [stuck] = report.passes;
    if (stuck === undefined) throw new Error('no pass');
    expect(stuck.deleted).toEqual({});
    return stuck;
  };

  /** Makes a run through the API and takes it through some states. */
  const make = async (states: readonly object[], more: object = {}): Promise<string> => {
    const { id } = await server.api.post<{ id: string }>('/flow_runs/', { flow_id: flow, ...more });
    for (const state of states) await to(id, state);
    return id;
  };
  const to = async (id: string, state: object): Promise<void> => {
    await server.api.post(`/flow_runs/${id}/set_state`, { state, force: true });
  };
  /** Moves a run into the past, with what it waits for. */
  const age = async (id: string, by: string): Promise<void> => {
    await database.rows(
      `update flow_run set state_timestamp = state_timestamp - $2::interval,
         next_scheduled_start_time = next_scheduled_start_time - $2::interval,
         start_time = start_time - $2::interval, end_time = end_time - $2::interval
       where id = $1`,
      [id, by],
    );
    await database.rows(
      'update flow_run_state set timestamp = timestamp - $2::interval where flow_run_id = $1',
      [id, by],
    );
  };
  const aged = async (states: readonly object[], by = '3 days 1 minute', more = {}): Promise<string> => {
    const id = await make(states, more);
    await age(id, by);
    return id;
  };
  const readState = async (id: string): Promise<string> =>
    database.value<string>('select state_type::text from flow_run where id = $1', [id]);
  const soon = (millis: number): string => new Date(Date.now() + millis).toISOString();

  const LIVE = [
    [{ type: 'SCHEDULED' }],
    [{ type: 'PENDING' }],
    [{ type: 'PENDING' }, { type: 'RUNNING' }],
    [{ type: 'RUNNING' }, { type: 'PAUSED' }],
    [{ type: 'RUNNING' }, { type: 'CANCELLING' }],
  ];

  test('of every state are reported once they are three days old, and stay as they are', async () => {
    const stuck: string[] = [];
    for (const states of LIVE) stuck.push(await aged(states));
    for (const states of LIVE) await aged(states, '2 days 23:59');
    for (const type of ['COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED']) await aged([{ type }], '30 days');
    // Scheduled long ago, due later.
    const later = { type: 'SCHEDULED', state_details: { scheduled_time: soon(40 * 86_400_000) } };
    await aged([later], '30 days');
    const rows = await database.rows('select id, state_type, state_timestamp from flow_run order by id');

    const pass = await run();
    expect(pass.reported).toMatchObject({ found: 5, resolved: 0, unresolved: {} });
    const oldest = await database.value<Date | string>(
      'select min(state_timestamp) from flow_run where id = any($1)',
      [stuck],
    );
    expect(Date.parse(pass.reported?.oldest ?? '')).toBe(Math.floor(Date.parse(String(oldest))));
    expect((await run({ stuckAfter: '31 days' })).reported).toMatchObject({ found: 0 });
    expect(await database.rows('select id, state_type, state_timestamp from flow_run order by id')).toEqual(
      rows,
    );
  });

  test('on request are ended as Prefect ends them: slots are given back, and they expire later', async () => {
    const deployment = await server.api.post<{ id: string }>('/deployments/', {
      name: 'limited',
      flow_id: flow,
      concurrency_limit: 7,
    });
    const held = async (): Promise<number> =>
      database.value('select active_slots::int from concurrency_limit_v2 limit 1');
    const stuck: string[] = [];
    for (const states of LIVE) {
      const [first, ...rest] = states;
      const id = await make([], { deployment_id: deployment.id, state: { type: 'SCHEDULED' } });
      // A slot is taken on the way from scheduled to pending, unless that is forced.
      if (first?.type !== 'SCHEDULED') {
        await server.api.post(`/flow_runs/${id}/set_state`, { state: { type: 'PENDING' } });
      }
      for (const state of first?.type === 'PENDING' ? rest : states) {
        if (state.type !== 'SCHEDULED') await to(id, state);
      }
      await age(id, '4 days');
      stuck.push(id);
    }
    const young = await make([{ type: 'PENDING' }, { type: 'RUNNING' }]);
    // Prefect itself has given back the slot of the run that is paused.
    expect(await held()).toBe(3);

    const { reported } = await run({ endStuckRuns: true });
    expect(reported).toMatchObject({ found: 5, resolved: 5, unresolved: {} });
    expect(await held()).toBe(0);
    for (const id of stuck) {
      expect(
        await database.rows(
          `select state_type::text as state, end_time > now() - interval '1 minute' as ended,
             next_scheduled_start_time as due from flow_run where id = $1`,
          [id],
        ),
      ).toEqual([{ state: 'CRASHED', ended: true, due: null }]);
    }
    expect(await readState(young)).toBe('RUNNING');
    expect((await run({ endStuckRuns: true })).reported).toMatchObject({ found: 0, resolved: 0 });

    for (const id of stuck) await age(id, '91 days');
    await run();
    expect(await database.rows('select id from flow_run')).toEqual([{ id: young }]);
  });

  test('that only wait as somebody wants them to, or say that they live, are not ended', async () => {
    const paused = await server.api.post<{ id: string }>('/deployments/', {
      name: 'paused',
      flow_id: flow,
      paused: true,
    });
    await server.api.post('/work_pools/', { name: 'pool', type: 'process' });
    const queue = await server.api.post<{ id: string; work_pool_id: string }>('/work_pools/pool/queues', {
      name: 'held',
      is_paused: true,
    });
    const scheduled = [{ type: 'SCHEDULED' }];
    await aged(scheduled, '9 days', { deployment_id: paused.id });
    const queued = await make(scheduled);
    await database.rows('update flow_run set work_queue_id = $2 where id = $1', [queued, queue.id]);
    await age(queued, '9 days');
    await aged([{ type: 'PAUSED', state_details: { pause_timeout: soon(86_400_000) } }], '9 days');
    const living = await aged([{ type: 'RUNNING' }], '9 days');
    const silent = await aged([{ type: 'RUNNING' }], '9 days');
    for (const [id, ago] of [
      [living, '10 minutes'],
      [silent, '2 hours'],
    ] as const) {
      await database.rows(
        `insert into events (id, occurred, event, resource_id, resource, payload, related_resource_ids, related, received, recorded)
         select $3, now() - $2::interval, 'prefect.flow-run.heartbeat', r.id, jsonb_build_object('prefect.resource.id', r.id),
           '{}', '[]', '[]', now(), now()
         from (select 'prefect.flow-run.' || $1::text as id) as r`,
        [id, ago, randomUUID()],
      );
    }
    const { reported } = await run({ endStuckRuns: true });
    expect(reported).toMatchObject({
      found: 5,
      resolved: 1,
      unresolved: {
        'its deployment, work queue or work pool is paused': 2,
        'its pause has not run out': 1,
        'it still sends heartbeats': 1,
      },
    });
    expect(await readState(silent)).toBe('CRASHED');
  });

  test('that end or begin anew meanwhile are left alone', async () => {
    const stuck: string[] = [];
    for (let n = 0; n < 3; n += 1) stuck.push(await aged([{ type: 'RUNNING' }], `${10 - n} days`));
    const [, revived = '', ended = ''] = stuck;
    const environment = { PREFECT_API_URL: server.api.url, PREFECT_API_AUTH_STRING: LOGIN };
    const policy = prefect({ enabled: true, endStuckRuns: true }, environment);
    let batches = 0;
    const { passes } = await runEngine(database.url, policy, {
      passes: ['stuck-runs'],
      afterBatch: async () => {
        batches += 1;
        if (batches > 1) return;
        await to(revived, { type: 'RUNNING' });
        await to(ended, { type: 'COMPLETED' });
      },
    });
    expect(passes[0]?.reported).toMatchObject({ found: 3, resolved: 1, unresolved: {} });
    expect(await Promise.all(stuck.map(readState))).toEqual(['CRASHED', 'RUNNING', 'COMPLETED']);
  });

  test('are left as they are if the API refuses the login, is another, or does not respond', async () => {
    const id = await aged([{ type: 'RUNNING' }]);
    const wrong = run({ endStuckRuns: true }, 'admin:no secret of theirs');
    await expect(wrong).rejects.toThrow(/refuses the login \(HTTP 401\)\. Set PREFECT_API_AUTH_STRING/);
    await expect(wrong).rejects.not.toThrow(/no secret of theirs|127\.0\.0\.1/);
    await database.rows('drop schema vacuum cascade');

    const root = server.api.url.replace(/\/api$/, '');
    await expect(run({ endStuckRuns: true, apiUrl: root })).rejects.toThrow(
      /no Prefect API.*ends with \/api/,
    );
    await database.rows('drop schema vacuum cascade');

    const nobody = `http://127.0.0.1:${await freePort()}/api`;
    await expect(run({ endStuckRuns: true, apiUrl: nobody })).rejects.toThrow(
      /the Prefect API: it does not respond\. Check that the Prefect server runs/,
    );
    expect(await readState(id)).toBe('RUNNING');
  });

  test('of another database than the API has are not called resolved', async () => {
    const other = await createDatabase();
    try {
      const { id } = await new PrefectRows(other).run({ state: 'RUNNING', ended: null });
      await other.rows(`update flow_run set state_timestamp = now() - interval '9 days' where id = $1`, [id]);
      const policy = prefect(
        { enabled: true, endStuckRuns: true },
        { PREFECT_API_URL: server.api.url, PREFECT_API_AUTH_STRING: LOGIN },
      );
      const { passes } = await runEngine(other.url, policy, { passes: ['stuck-runs'] });
      expect(passes[0]?.reported).toMatchObject({
        found: 1,
        resolved: 0,
        unresolved: { 'Prefect has no such run: its API may be that of another database': 1 },
      });
    } finally {
      await other.drop();
    }
  });
});
