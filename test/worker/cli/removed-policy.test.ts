import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ScheduleNotFoundError } from '@temporalio/client';

import type { RunReport } from '../../../activities/contract.ts';
import type { Policy } from '../../../policy/policy.ts';
import { applySchedule } from '../../../worker/schedule.ts';
import type { CliResult } from '../../support/cli.ts';
import { cli } from '../../support/cli.ts';
import { neverRunPolicy, watchedPolicies, WatchedShop } from '../../support/http/watched-shop.ts';
import { describeNeeding } from '../../support/needing.ts';
import { ROOT } from '../../support/parts/bring.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { waitFor } from '../../support/wait.ts';

const CONFIG = `
  import { defineEntity, p } from '@mikro-orm/core';
  import { definePolicy, expireRows } from ${JSON.stringify(join(ROOT, 'index.ts'))};
  const Log = defineEntity({ name: 'Log', tableName: 'log', properties: { id: p.uuid().primary(), timestamp: p.datetime() } });
  const main = () => process.env['MAIN_URL'] ?? '';
  export default {
    databases: process.env['SECOND'] === undefined ? { main } : { main, second: () => 'postgresql://127.0.0.1:1/none' },
    policies: [
      definePolicy({ name: 'nightly', database: 'main', entities: [Log],
        passes: [expireRows({ name: 'old-logs', entity: Log, age: 'timestamp', olderThan: '90 days' })] }),
    ],
  };`;

const folder = mkdtempSync(join(ROOT, '.cache', 'removed-'));
writeFileSync(join(folder, 'vacuum.config.ts'), CONFIG);
afterAll(() => rmSync(folder, { recursive: true }));

describe('a policy that was removed from the configuration', () => {
  const fresh = FreshPrefect.forEach();

  const typeWith = async (env: NodeJS.ProcessEnv, ...words: string[]): Promise<CliResult> =>
    cli(words, { cwd: folder, env: { MAIN_URL: fresh.database.url, ...env } });
  const type = async (...words: string[]): Promise<CliResult> => typeWith({}, ...words);

  beforeEach(async () => {
    await type('ledger', 'migrate');
    await fresh.database.rows(`
      insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings, ended_at)
      values ('weekly', 'execute', 'completed', 'w', 'w', 'a/default', '{}', now()),
        ('nightly', 'execute', 'failed', 'n', 'n', 'a/default', '{}', now());
      insert into vacuum.guard (policy, known_run, blocked, blocked_at)
      values ('weekly', 1, '["another database"]', now())`);
  });

  test('has its history still, and one that neither the file nor the ledger has is misspelt', async () => {
    const listed = await type('history', '--policy', 'weekly');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^ *1 +weekly +execute +completed/m);
    expect(listed.stdout).not.toContain('nightly');
    const misspelt = await type('history', '--policy', 'nighty');
    expect(misspelt).toMatchObject({ code: 2, stdout: '' });
    expect(misspelt.stderr).toContain('there is no policy "nighty". Write nightly if that is meant');
  });

  test('may be acknowledged, as it is without a name', async () => {
    expect((await type('acknowledge', 'weekly')).stdout).toContain('policy weekly is no longer blocked');
    expect(await type('acknowledge', 'weekly')).toMatchObject({
      code: 0,
      stdout: 'policy weekly is not blocked\n',
    });
    expect(await type('acknowledge', 'nighty')).toMatchObject({ code: 2, stdout: '' });
  });

  test('needs the name of its database if there are several', async () => {
    const several = { SECOND: '1' };
    const unnamed = await typeWith(several, 'history', '--policy', 'weekly');
    expect(unnamed).toMatchObject({ code: 2, stdout: '' });
    expect(unnamed.stderr).toContain(
      'If it was removed from the configuration, name its database with --database: main, second',
    );
    const named = await typeWith(several, 'history', '--policy', 'weekly', '--database', 'main');
    expect(named.stdout).toMatch(/^ *1 +weekly +execute +completed/m);
    // The file knows where the others are.
    expect((await typeWith(several, 'history', '--policy', 'nightly')).stdout).toMatch(/^ *2 +nightly /m);
  });
});

describeNeeding(['temporal'], 'an open run of a policy that was removed from the configuration', () => {
  const session = new TemporalSession();
  afterAll(async () => session.close());

  test('is shown, paused, resumed and stopped by name, as other runs are, and no other run with it', async () => {
    const shop = await WatchedShop.prepare(session);
    const { name, taskQueue, database } = shop;
    const type = async (...words: string[]): Promise<CliResult> =>
      cli([...words, '--address', session.address, '--task-queue', taskQueue], {
        cwd: folder,
        env: { MAIN_URL: database.url },
      });
    await shop.add(400);
    const before = await database.value('select count(*)::int from audit_log');
    await session.withVacuum({ taskQueue, url: database.url, policies: watchedPolicies(name) }, async () => {
      const run = await shop.pauseInTheMiddle('a release of ours');
      const listed = await type('history', '--policy', name);
      expect(listed.stdout).toMatch(
        new RegExp(`^ *1 +${name} +execute +paused .* a release of ours *$`, 'm'),
      );
      expect((await type('history', '1')).stdout).toMatch(/^run 1 of policy shop-\w+: paused, /);

      const which = `run 1 of workflow ${run.workflowId}`;
      expect(await type('resume', name)).toMatchObject({ code: 0, stdout: `${which} is running\n` });
      expect(await type('pause', name)).toMatchObject({ code: 0, stdout: `${which} is paused\n` });
      expect(await type('stop', name, '--reason', 'it is removed')).toMatchObject({ code: 0, stderr: '' });
      const report = (await run.result()) as RunReport;
      expect(report).toMatchObject({ status: 'stopped', reasons: ['stopped: it is removed'] });
      expect(before - (await database.value('select count(*)::int from audit_log'))).toBe(report.rows);
    });

    // A run that names no policy is of the only policy of the configuration, which is another one.
    const other = await session.start(taskQueue);
    const client = await session.client();
    await waitFor('Temporal to list it', async () => {
      const { count } = await client.workflow.count(`WorkflowId = '${other.workflowId}'`);
      return count === 1;
    });
    const again = await type('stop', name);
    expect(again).toMatchObject({ code: 4, stdout: '' });
    expect(again.stderr).toContain(
      `no run of policy ${name} is open. The configuration does not have it any more`,
    );
    expect(again.stderr).toContain(
      `temporal-vacuum schedule delete ${name} --address ${session.address} --task-queue ${taskQueue}`,
    );
    const misspelt = await type('stop', 'nighty');
    expect(misspelt).toMatchObject({ code: 2, stdout: '' });
    expect(misspelt.stderr).toContain('there is no policy "nighty". Write nightly if that is meant');
    const { events } = await other.fetchHistory();
    expect(events?.some((event) => event.workflowExecutionSignaledEventAttributes)).toBe(false);
    await other.terminate();
    await shop.close();
  });

  test('has a schedule that can be shown, paused and deleted, and none that starts runs again', async () => {
    const taskQueue = session.queue();
    const name = `gone-${taskQueue}`;
    const at = ['--address', session.address, '--task-queue', taskQueue];
    const type = async (verb: string, policy = name, ...words: string[]): Promise<CliResult> =>
      cli(['schedule', verb, policy, ...at, ...words], { cwd: folder });
    const policy: Policy = { ...neverRunPolicy(name), schedule: { every: '1 hour' } };
    const client = await session.client();
    await applySchedule(client, policy, { taskQueue });
    const handle = client.schedule.getHandle(`vacuum-${name}`);

    expect((await type('show')).stdout).toContain('policySays: its policy is not in the configuration\n');
    expect(await type('pause')).toMatchObject({ code: 0, stderr: '' });
    for (const verb of ['apply', 'resume', 'trigger']) {
      const { code, stdout, stderr } = await type(verb);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`runs of schedule vacuum-${name} fail`);
      expect(stderr).toContain(`\`temporal-vacuum schedule delete ${name} ${at.join(' ')}\``);
    }
    expect(await handle.describe()).toMatchObject({ state: { paused: true }, info: { numActionsTaken: 0 } });
    // A schedule of another policy or of another task queue is not its schedule.
    const misspelt = await type('delete', 'nighty', '--id', handle.scheduleId);
    expect(misspelt.stderr).toContain('there is no policy "nighty". Write nightly if that is meant');
    const elsewhere = await type('delete', name, '--task-queue', 'elsewhere');
    expect(elsewhere.stderr).toContain(
      `starts its runs on task queue ${taskQueue}, and this one is elsewhere`,
    );
    expect(await type('delete')).toEqual({
      code: 0,
      stdout: `schedule vacuum-${name} deleted; its policy is not in the configuration\n`,
      stderr: '',
    });
    await expect(handle.describe()).rejects.toThrow(ScheduleNotFoundError);
    expect((await type('delete')).code).toBe(2);
  });
});
