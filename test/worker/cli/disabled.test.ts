import { afterAll, afterEach, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { describeNeeding } from '../../support/needing.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { TemporalSession, temporalAddress } from '../../support/temporal.ts';

const fresh = FreshPrefect.forEach();

// The worker, its schedules and the page have tests of their own.
describeNeeding(['temporal'], 'a policy that is not enabled', () => {
  const session = new TemporalSession();
  const taskQueue = session.queue();
  const scheduleId = `vacuum-${taskQueue}`;
  afterEach(async () => {
    const { schedule, workflow } = await session.client();
    const handle = schedule.getHandle(scheduleId);
    const found = await handle.describe().catch(() => undefined);
    for (const open of found?.info.runningActions ?? [])
      await workflow.getHandle(open.workflow.workflowId).terminate();
    if (found !== undefined) await handle.delete();
  });
  afterAll(async () => session.close());

  const type = async (...words: string[]): Promise<{ code: number | null; output: string }> => {
    const { code, stdout, stderr } = await cli([...words, ...fresh.at()]);
    return { code, output: stdout + stderr };
  };

  test('says how to enable it wherever it is met, by a setting of a preset and in a configuration file', async () => {
    const { id: run } = await fresh.rows.run({ logs: 3, ended: '100 days' });
    const at = ['--address', temporalAddress()];
    const own = [...at, '--id', scheduleId, '--task-queue', taskQueue];
    const commands = [
      ['preview', 'prefect'],
      ['run', 'prefect', '--execute', '--temporal', temporalAddress()],
      ['explain', 'FlowRun', run, '--policy', 'prefect'],
      ['doctor', 'prefect', ...own],
      ['schedule', 'apply', 'prefect', ...own],
      ['schedule', 'trigger', 'prefect', ...own],
    ];
    const outputs: string[] = [];
    for (const words of commands) {
      const { output } = await type(...words);
      expect({ words, output }).toEqual({
        words,
        output: expect.stringMatching(
          /policy prefect is not enabled: its runs end at once and delete nothing[^]*`--set enabled=true`[^]*`enabled: true`/,
        ),
      });
      outputs.push(output);
    }
    // A run that waits for a worker is as good as none, and no alarm rings.
    const warning = `no worker polls task queue ${taskQueue}: runs wait until one does. Start one: `;
    const command = `\`temporal-vacuum worker prefect --address ${temporalAddress()} --task-queue ${taskQueue}\``;
    expect(outputs[1]).toContain('run of policy prefect: disabled, nothing was deleted\n');
    expect(outputs.slice(-2)).toEqual([
      expect.stringContaining(warning + command),
      expect.stringContaining(warning + command),
    ]);
    expect(await fresh.database.value('select count(*)::int from log')).toBe(3);
  });

  test('is told from one whose worker has other settings than doctor by the runs that completed', async () => {
    await type('ledger', 'migrate');
    const insert = async (status: string): Promise<unknown> =>
      fresh.database.rows(`
        insert into vacuum.run (policy, mode, status, workflow_id, first_run_id, temporal, settings, ended_at)
        values ('prefect', 'execute', '${status}', 'w', 'w', 'a/default', '{}', now() - interval '2 hours')`);
    const examine = async (...words: string[]): Promise<string> =>
      (await type('doctor', 'prefect', '--address', temporalAddress(), ...words)).output;
    await insert('stopped-by-guard');
    expect(await examine()).toContain(
      'enabled: by the settings of this command, policy prefect is not enabled: ',
    );
    await insert('completed');
    expect(await examine()).toMatch(
      /policy prefect is not enabled, but run 2 completed 2 hours ago: its worker had other settings\n.*`--set enabled=true`\n/,
    );
    expect(await examine('--set', 'enabled=true')).toContain(
      'ok  enabled: policy prefect is enabled: its runs delete\n',
    );
  });
});
