import { beforeEach, describe, expect, test } from '@jest/globals';

import { ValidationError } from '../../../policy/issue.ts';
import type { PrefectSettings } from '../../../policy/presets/prefect/index.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { runAsPreviewed } from '../../support/truth.ts';
import { prefectPolicy } from '../../support/vacuum.ts';

describe('retentions of flow runs by what they are runs of', () => {
  const fresh = FreshPrefect.forEach();

  beforeEach(async () => {
    await fresh.database.rows(`
      insert into flow (id, name) values (md5('etl')::uuid, 'etl'), (md5('ml')::uuid, 'ml');
      insert into deployment values
        (md5('etl/nightly')::uuid, 'nightly', md5('etl')::uuid), (md5('ml/nightly')::uuid, 'nightly', md5('ml')::uuid);
      insert into work_pool values (md5('big')::uuid, 'big');
      insert into work_queue values (md5('queue')::uuid, 'default', md5('big')::uuid);`);
  });

  /** Runs with a name each, 5, 20, 50 and 100 days after their end. */
  async function add(name: string, columns: Readonly<Record<string, unknown>>): Promise<void> {
    const names = Object.keys(columns);
    await fresh.database.rows(
      `insert into flow_run (id, name, state_type, state_name, end_time${names.map((column) => `, ${column}`).join('')})
       select gen_random_uuid(), '${name} ' || d, coalesce($1, 'COMPLETED')::state_type, 'x', now() - d * interval '1 day'
         ${names.map((column, n) => `, $${n + 2}::${column === 'tags' ? 'jsonb' : 'uuid'}`).join('')}
       from unnest(array[5, 20, 50, 100]) as d`,
      [columns['state'] ?? null, ...names.map((column) => columns[column])],
    );
  }

  async function left(settings: PrefectSettings): Promise<string[]> {
    await runAsPreviewed(fresh.database.url, prefectPolicy(settings), { passes: ['old-flow-runs'] });
    const rows = await fresh.database.rows<{ runs: string }>(
      `select split_part(name, ' ', 1) || ' ' || string_agg(split_part(name, ' ', 2), ',' order by end_time desc) as runs
       from flow_run group by split_part(name, ' ', 1) order by 1`,
    );
    return rows.map(({ runs }) => runs);
  }

  const id = async (name: string): Promise<string> =>
    fresh.database.value<string>('select md5($1)::uuid', [name]);

  test('by deployment, flow, work pool, tag and state; the first rule that fits counts', async () => {
    const etl = await id('etl');
    const ml = await id('ml');
    await add('both', { flow_id: etl, deployment_id: await id('etl/nightly') });
    await add('other', { flow_id: ml, deployment_id: await id('ml/nightly') });
    await add('pooled', { flow_id: ml, work_queue_id: await id('queue') });
    await add('tagged', { flow_id: ml, tags: '["audit", "x"]' });
    await add('plain', { flow_id: ml });
    await add('gone', { flow_id: ml, deployment_id: await id('a deployment that was deleted') });
    await fresh.database.rows(
      `update flow_run set state_type = 'FAILED' where name in ('plain 20', 'plain 50', 'both 50')`,
    );
    const runRetention = [
      { deployment: 'etl/nightly', olderThan: '10 days' },
      { tag: ['audit', 'legal'], olderThan: null },
      { workPool: 'big', olderThan: 'P60D' },
      { flow: 'ml', state: 'failed', olderThan: '30 days' },
      { deployment: 'nightly', olderThan: '40 days' },
    ];
    expect(await left({ retentionPeriod: '90 days', runRetention })).toEqual([
      'both 5',
      'gone 5,20,50',
      'other 5,20',
      'plain 5,20',
      'pooled 5,20,50',
      'tagged 5,20,50,100',
    ]);
  });

  test('a rule of several names, as JSON of a command line', async () => {
    await add('one', { flow_id: await id('etl'), deployment_id: await id('etl/nightly') });
    await add('two', { flow_id: await id('ml') });
    const runRetention = '[{"deployment": ["etl/nightly", "ml/never"], "flow": "etl", "olderThan": 864000}]';
    expect(await left({ retentionPeriod: '30 days', runRetention })).toEqual(['one 5', 'two 5,20']);
  });

  test('the newest of each deployment stay, a run without one counts for its flow', async () => {
    await add('a', { flow_id: await id('etl'), deployment_id: await id('etl/nightly') });
    await add('b', { flow_id: await id('etl') });
    await add('c', { flow_id: await id('ml') });
    await fresh.database.rows(`update flow_run set end_time = end_time - interval '1 year'`);
    expect(await left({ keepLast: 2 })).toEqual(['a 5,20', 'b 5,20', 'c 5,20']);
    expect(await left({ keepLast: 1, keepLastPer: 'flow' })).toHaveLength(2);
    expect(await fresh.database.value('select count(*) from flow_run')).toBe(2);
  });

  test('a rule keeps another number, or for ever', async () => {
    await add('a', { flow_id: await id('etl') });
    await add('b', { flow_id: await id('ml') });
    await fresh.database.rows(`update flow_run set end_time = end_time - interval '1 year'`);
    const runRetention = [{ flow: 'etl', olderThan: '2 days', keepLast: 3 }];
    expect(await left({ keepLast: 1, runRetention })).toEqual(['a 5,20,50', 'b 5']);
  });

  test('what cannot be used is told with its rule', () => {
    const runRetention = [
      { flow: 'etl', olderThan: 'soon' },
      { state: 'RUNNING', olderThan: '2 days' },
    ];
    const refused = (settings: object): string => {
      try {
        prefectPolicy(settings);
        return '';
      } catch (error) {
        return error instanceof ValidationError ? error.message : String(error);
      }
    };
    expect(refused({ runRetention })).toMatch(/rule 0: olderThan "soon".*rule 1: state RUNNING is none of/s);
    expect(refused({ runRetention: [{ flwo: 'etl', olderThan: '2 days' }] })).toContain('flwo');
    expect(refused({ runRetention: 'etl' })).toContain('setting runRetention');
    expect(refused({ keepLast: 0 })).toContain('setting keepLast');
    expect(refused({ keepLastPer: 'tag' })).toContain('Use deployment or flow');
  });
});
