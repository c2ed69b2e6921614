import { beforeEach, describe, expect, test } from '@jest/globals';

import type { CliResult } from '../../support/cli.ts';
import { cli } from '../../support/cli.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';

const fresh = FreshPrefect.forEach();

describe('hold and explain', () => {
  let run: string;

  beforeEach(async () => {
    await fresh.rows.run({ logs: 3 });
    run = await fresh.database.value<string>('select id from flow_run');
    await fresh.database.rows(
      `update flow_run set end_time = now() - interval '2 years', start_time = now() - interval '2 years'`,
    );
  });

  const at = (): string[] => ['--preset', 'prefect', ...fresh.at()];
  const told = async (args: string[]): Promise<CliResult> => cli([...args, ...at()]);
  const json = async (args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await told([...args, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  };

  test('a run is held with who, why and until; the preview counts it; removed it would go again', async () => {
    expect(await json(['hold', 'list'])).toEqual([]);
    expect(await json(['explain', 'FlowRun', run])).toMatchObject({ found: true, goesBy: 'old-flow-runs' });
    const held = [
      'hold',
      'add',
      'FlowRun',
      run.toUpperCase(),
      '--reason',
      'incident 7',
      '--who',
      'ann',
      '--until',
      '9d',
    ];
    expect(await json(held)).toEqual({ id: 1, settled: true, gone: false });
    expect(await json(['hold', 'list'])).toMatchObject([
      {
        id: 1,
        entity: 'FlowRun',
        table: 'flow_run',
        key: run,
        reason: 'incident 7',
        who: 'ann',
        inForce: true,
      },
    ]);
    const { stdout } = await told(['preview', 'prefect', '--pass', 'old-flow-runs']);
    expect(stdout).toContain('old-flow-runs: 1 row kept by hold');
    expect(stdout).toContain('0 rows would go');
    expect((await told(['explain', 'FlowRun', run])).stdout).toContain('pass old-flow-runs leaves it: held');
    expect((await told(['hold', 'list'])).stdout).toContain('incident 7');
    expect((await told(['hold', 'remove', '1'])).stdout).toBe('hold 1 is removed\n');
    expect(await json(['explain', 'FlowRun', run])).toMatchObject({ goesBy: 'old-flow-runs' });
  });

  test('what cannot be used is said at once, and nothing is held', async () => {
    const both = await told([
      'hold',
      'add',
      'FlowRun',
      run,
      '--filter',
      'no json',
      '--reason',
      'r',
      '--until',
      '2001-01-01',
    ]);
    expect(both.code).toBe(2);
    expect(both.stderr).toContain('both a key and a filter are given');
    expect(both.stderr).toContain('it is over already');
    const neither = await told(['hold', 'add', 'FlowRun', '--reason', 'r', '--until', 'soon']);
    expect(neither.stderr).toContain('neither a key nor a filter is given');
    expect(neither.stderr).toContain('"soon" is no instant and no duration');
    expect((await told(['hold', 'add', 'FlowRun', '--filter', '[1]', '--reason', 'r'])).stderr).toContain(
      'it is no JSON object',
    );
    const rounded = await told([
      'hold',
      'add',
      'FlowRun',
      '--filter',
      '{"id": 9007199254740993}',
      '--reason',
      'r',
    ]);
    expect(rounded.stderr).toContain('it has a number that JavaScript rounds');
    expect((await told(['hold', 'remove', '9'])).stderr).toContain('there is no hold 9');
    expect((await told(['explain', 'Nobody', '1'])).stderr).toContain('has no entity "Nobody"');
    expect((await told(['hold', 'list'])).stdout).toContain('no holds: this database has no ledger');
  });
});
