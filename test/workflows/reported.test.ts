import { once } from 'node:events';

import { afterAll, afterEach, expect, test } from '@jest/globals';
import { Context } from '@temporalio/activity';

import type { RunReport } from '../../activities/contract.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { ResolveOptions } from '../../policy/report-rows.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase } from '../support/database.ts';
import { createJobs, stuckJobs } from '../support/jobs.ts';
import { describeNeeding } from '../support/needing.ts';
import { CommitProxy } from '../support/postgres/commit-proxy.ts';
import { saidBy } from '../support/said.ts';
import { TemporalSession } from '../support/temporal.ts';
import { prefectPolicy, fetchReport } from '../support/vacuum.ts';
import { waitFor } from '../support/wait.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

interface Progress {
  readonly state: string;
  readonly passes: { readonly found?: { rows: number; resolved: number; unresolved: number } }[];
}

describeNeeding(['temporal'], 'a run that reports', () => {
  const session = new TemporalSession();
  let database: TestDatabase;
  afterEach(async () => database.drop());
  afterAll(async () => session.close());

  const ended = async (): Promise<number> => database.value(`select count(*) from job where state = 'ended'`);

  const resolving = (each: ResolveOptions['each']): ReturnType<typeof stuckJobs> =>
    stuckJobs({ handler: { each, concurrency: 2 } });
  const end = async (key: string): Promise<void> => {
    await database.rows(`update job set state = 'ended' where id = $1`, [key]);
  };

  test('by a worker that is killed finds each row once, and a preview found as many', async () => {
    database = await createDatabase();
    await database.rows(`
      with f as (insert into flow (name) values ('stuck') returning id)
      insert into flow_run (name, flow_id, state_type, state_name, state_timestamp)
      select 'run', f.id, 'RUNNING', 'Running', now() - interval '9 days' - n * interval '1 minute'
      from f, generate_series(1, 300) as n`);
    await database.rows('analyze');
    const taskQueue = session.queue();
    const settings = { batchSize: 10, shards: 2 };
    const proxy = await CommitProxy.start(database.url, 'after commit', 7);
    const victim = await startWorkerProcess({ url: proxy.url, taskQueue, settings });
    const handle = await session.start(taskQueue, { passes: ['stuck-runs'] });
    await proxy.held;
    await victim.end('SIGKILL');
    await proxy.close();
    const found = { passes: [{ reported: { found: 300 } }] };
    await session.withVacuum(
      { taskQueue, url: database.url, policies: [prefectPolicy(settings)] },
      async () => {
        expect(await handle.result()).toMatchObject({ status: 'completed', rows: 0, ...found });
        const preview = await session.start(taskQueue, { passes: ['stuck-runs'], mode: 'preview' });
        expect(await preview.result()).toMatchObject(found);
      },
    );
    expect(await database.value('select count(*) from flow_run')).toBe(300);
  });

  test('can be paused between rows, and goes on with the next worker; its details say what it found', async () => {
    database = await createJobs(60);
    const taskQueue = session.queue();
    let begun = 0;
    const slow = resolving(async (key) => {
      begun += 1;
      const { cancellationSignal } = Context.current();
      if (begun > 25) await once(cancellationSignal, 'abort');
      await end(key);
    });
    const handle = await session.withVacuum({ taskQueue, url: database.url, policies: [slow] }, async () => {
      const started = await session.start(taskQueue);
      await waitFor('two rows to be under way', async () => begun === 27);
      await started.signal('pause');
      await waitFor('the slice to end', async () => {
        const { raw } = await started.describe();
        return (raw.pendingActivities ?? []).length === 0;
      });
      expect(begun).toBe(27);
      expect(await ended()).toBe(27);
      const { passes } = await started.query<Progress>('progress');
      expect(passes[0]?.found).toMatchObject({ rows: 40, resolved: 27, unresolved: 0 });
      return started;
    });
    await session.withVacuum({ taskQueue, url: database.url, policies: [resolving(end)] }, async () => {
      await handle.signal('resume');
      const report = (await handle.result()) as RunReport;
      expect(report.passes[0]?.reported).toMatchObject({ found: 60, resolved: 60, unresolved: {} });
      const details = await handle.query<string>('__temporal_workflow_metadata').catch(() => undefined);
      expect(JSON.stringify(details)).toContain('stuck-jobs: 60 found');
    });
    expect(await ended()).toBe(60);
  });

  test('fails with the words of a policy that can resolve none, and without those of its other errors', async () => {
    database = await createJobs(30);
    const taskQueue = session.queue();
    let calls = 0;
    const policy = resolving(async (key) => {
      calls += 1;
      if (calls < 5) throw new Error(`postgresql://secret/${key}`);
      throw new ValidationError('the API', [
        { at: 'the API', what: 'it is down', fix: 'Start it', here: 'secret' },
      ]);
    });
    await session.withVacuum({ taskQueue, url: database.url, policies: [policy] }, async () => {
      const handle = await session.start(taskQueue);
      await expect(handle.result()).rejects.toMatchObject({
        cause: { message: expect.stringContaining('it is down. Start it') },
      });
      expect(saidBy(await handle.fetchHistory())).not.toContain('secret');
      const report = await fetchReport(database, handle.workflowId);
      expect(report).toMatchObject({
        status: 'failed',
        passes: [{ status: 'failed', reported: { found: 20, resolved: 0 } }],
      });
    });
    expect(await ended()).toBe(0);
  });
});
