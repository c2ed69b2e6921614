import { afterAll, describe, expect, test } from '@jest/globals';

import { ValidationError } from '../../../policy/issue.ts';
import { prefectMaintenance } from '../../../policy/presets/prefect/index.ts';
import { describeNeeding } from '../../support/needing.ts';
import { makeEveryKind } from '../../support/prefect/every-kind.ts';
import { FreshPrefect } from '../../support/prefect/fresh.ts';
import { TemporalSession } from '../../support/temporal.ts';
import { Before, vacuum } from '../../support/vacuum.ts';

describe('the monthly maintenance of a Prefect database', () => {
  test('runs on the first of each month at 03:00 in Bangkok, once it is enabled', () => {
    const { enabled, schedule } = prefectMaintenance();
    expect({ enabled, schedule }).toEqual({
      enabled: false,
      schedule: { cron: '0 3 1 * *', timezone: 'Asia/Bangkok' },
    });
  });

  test('keeps 15 days of everything, and crashed runs unless asked', () => {
    const { passes } = prefectMaintenance();
    const old = passes.filter((pass) => pass.kind === 'expireRows' && pass.name !== 'expired-state-cache');
    expect(old.map((pass) => pass.name)).toEqual([
      'runs-without-end',
      'old-flow-runs',
      'old-background-task-runs',
      'old-logs',
      'old-events',
    ]);
    expect(new Set(old.map((pass) => pass.kind === 'expireRows' && pass.olderThan))).toEqual(
      new Set([15 * 86_400_000]),
    );
    expect(passes.at(-1)).toMatchObject({ kind: 'reclaimSpace', mode: 'vacuum', timezone: 'Asia/Bangkok' });
    expect(prefectMaintenance({ reclaim: 'off' }).passes).toEqual(passes.slice(0, -1));
    const buildFilter = (settings: object): unknown => {
      const pass = prefectMaintenance(settings).passes.find(({ name }) => name === 'old-flow-runs');
      return pass?.kind === 'expireRows' ? pass.where : undefined;
    };
    const states = ['COMPLETED', 'FAILED', 'CANCELLED'];
    expect(buildFilter({})).toEqual({ stateType: { $in: states } });
    expect(buildFilter({ states: undefined, timezone: undefined })).toEqual({ stateType: { $in: states } });
    expect(buildFilter({ includeCrashed: 'true' })).toEqual({ stateType: { $in: [...states, 'CRASHED'] } });
  });

  test('tells all that cannot be used at once', () => {
    const settings = { includeCrashed: 'perhaps', reclaim: 'some' as 'off', retentionPeriod: 'soon' };
    expect(() => prefectMaintenance(settings)).toThrow(ValidationError);
    expect(() => prefectMaintenance(settings)).toThrow(
      /setting includeCrashed[^]*setting retentionPeriod[^]*setting reclaim/,
    );
  });
});

describeNeeding(['temporal'], 'a maintenance run', () => {
  const session = new TemporalSession();
  const fresh = FreshPrefect.forEach();
  afterAll(async () => session.close());

  test('takes what is older than 15 days, measures before and after, and vacuums what it deleted from', async () => {
    await makeEveryKind(fresh.database);
    const ago = async (): Promise<string> =>
      fresh.database.value<string>(`select now() - interval '15 days'`);
    const policy = prefectMaintenance({ enabled: true, includeCrashed: true, stuckAfter: 'never' });
    const horizon = await ago();
    const passes = policy.passes.filter(({ kind }) => kind !== 'reclaimSpace').map(({ name }) => name);
    const before = await Before.of(fresh.database, {
      horizon,
      eventHorizon: horizon,
      logHorizon: horizon,
      passes,
    });
    const report = await vacuum(session, fresh.database, [policy]);
    await before.expectRightRows();
    await before.expectExactAccount(report);
    expect(report.passes.map(({ name, status }) => [name, status])).toEqual(
      policy.passes.map(({ name }) => [name, 'completed']),
    );
    const vacuumed = await fresh.database.rows<{ table: string }>(
      `select relname as table from pg_stat_user_tables
       where vacuum_count > 0 and schemaname = 'public' order by relname`,
    );
    expect(vacuumed.map(({ table }) => table)).toEqual(Object.keys(report.deleted).toSorted());
    const sizes = await fresh.database.value(
      `select count(*) from vacuum.size where run_id = $1 and label = 'flow_run'`,
      [report.run],
    );
    expect(sizes).toBeGreaterThanOrEqual(2);
  });
});
