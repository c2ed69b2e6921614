import { describe, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';

const fresh = FreshPrefect.forEach();

describe('the policy of a command', () => {
  test('may be the argument or the option, and not two policies', async () => {
    await fresh.rows.run({ logs: 3, ended: '100 days' });
    const counts = await Promise.all(
      [['prefect'], ['--policy', 'prefect'], ['prefect', '--policy', 'prefect'], ['--preset', 'prefect']].map(
        async (words) => JSON.parse((await cli(['preview', ...words, ...fresh.at(), '--json'])).stdout),
      ),
    );
    expect(counts.map(({ rows }: { rows: number }) => rows)).toEqual([6, 6, 6, 6]);
    const two = await cli(['preview', 'prefect', '--policy', 'prefect-maintenance', ...fresh.at()]);
    expect(two).toMatchObject({ code: 2, stdout: '' });
    expect(two.stderr).toContain('prefect and prefect-maintenance are two policies, and a command takes one');
  });

  test('names the database of commands that need no more of it', async () => {
    const env = { PREFECT_API_DATABASE_CONNECTION_URL: fresh.database.url };
    const done = async (...args: string[]): Promise<[number | null, string]> => {
      const { code, stdout, stderr } = await cli(args, { env });
      return [code, stdout + stderr];
    };
    expect(await done('ledger', 'migrate', 'prefect')).toEqual([0, expect.stringContaining('is created')]);
    expect(await done('ledger', 'migrate', '--policy', 'prefect')).toEqual([
      0,
      expect.stringContaining('is current'),
    ]);
    expect(await done('hold', 'list', '--policy', 'prefect')).toEqual([0, 'no holds\n']);
    expect(await done('history', '--policy', 'prefect')).toEqual([0, 'no runs yet\n']);
    expect(await done('acknowledge', 'prefect')).toEqual([0, 'policy prefect is not blocked\n']);
  });

  test('may be asked about a table in place of an entity', async () => {
    const { id: run } = await fresh.rows.run({ logs: 1, ended: '100 days' });
    const explain = async (entity: string): Promise<unknown> =>
      JSON.parse(
        (await cli(['explain', entity, run, '--policy', 'prefect', ...fresh.at(), '--json'])).stdout,
      ) as unknown;
    expect(await explain('flow_run')).toMatchObject({
      entity: 'FlowRun',
      found: true,
      goesBy: 'old-flow-runs',
    });
    expect(await explain('FlowRun')).toMatchObject({ entity: 'FlowRun', goesBy: 'old-flow-runs' });
    const added = await cli([
      'hold',
      'add',
      'flow_run',
      run,
      '--reason',
      'an audit',
      '--policy',
      'prefect',
      ...fresh.at(),
    ]);
    expect(added).toMatchObject({ code: 0, stdout: 'hold 1 is in force\n' });
    expect(await explain('flow_run')).toMatchObject({ goesBy: null });
    const unknown = await cli(['explain', 'flow_runs', run, '--policy', 'prefect', ...fresh.at()]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(
      /has no entity "flow_runs"\. Write FlowRun if that is meant; else name one of .*, or its table/,
    );
  });
});
