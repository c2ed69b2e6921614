import { describe, expect, test } from '@jest/globals';

import { ValidationError } from '../../../policy/issue.ts';
import { prefect } from '../../../policy/presets/prefect/index.ts';
import type { PrefectSettings } from '../../../policy/presets/prefect/index.ts';
import { parsePeriod } from '../../../policy/presets/prefect/periods.ts';

const DAY = 86_400_000;
const PREFIX = 'PREFECT_SERVER_SERVICES_DB_VACUUM_';

function readRetention(settings: PrefectSettings, environment = {}): unknown {
  const pass = prefect(settings, environment).passes.find(({ name }) => name === 'old-flow-runs');
  return pass?.kind === 'expireRows' ? pass.olderThan : undefined;
}

function listIssues(settings: object, environment = {}): string[] {
  try {
    prefect(settings, environment);
    return [];
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return error.issues.map(({ at, what }) => `${at}: ${what}`);
  }
}

describe('the settings of the Prefect preset', () => {
  test('have the defaults of the original', () => {
    const policy = prefect({}, {});
    expect(policy).toMatchObject({
      name: 'prefect',
      enabled: false,
      schedule: { every: 3_600_000 },
      batchSize: 'auto',
      shards: 2,
    });
    expect(readRetention({})).toBe(90 * DAY);
    expect(policy.passes.map((pass) => pass.name)).toEqual([
      'orphaned-logs',
      'orphaned-artifacts',
      'stale-artifact-collections',
      'stuck-runs',
      'runs-without-end',
      'old-flow-runs',
      'old-background-task-runs',
      'expired-state-cache',
      'orphaned-task-logs',
      'orphaned-task-artifacts',
      'orphaned-state-cache',
      'old-events',
      'orphaned-event-resources',
    ]);
  });

  const periods: [unknown, number | undefined][] = [
    [3600, 3_600_000],
    ['7776000', 90 * DAY],
    ['3600.5', 3_600_500],
    ['P90D', 90 * DAY],
    ['PT12H', DAY / 2],
    ['P2DT12H', 2.5 * DAY],
    ['90 days', 90 * DAY],
    ['30d', 30 * DAY],
    ['', undefined],
    ['soon', undefined],
    [Number.NaN, undefined],
    [null, undefined],
  ];
  test.each(periods)('a period may be %j', (value, millis) => {
    expect(parsePeriod(value)).toBe(millis);
  });

  test('come from the environment under the names of Prefect, unless they are given', () => {
    const environment = {
      [`${PREFIX}ENABLED`]: 'true',
      [`${PREFIX}LOOP_SECONDS`]: '600',
      [`${PREFIX}RETENTION_PERIOD`]: 'P30D',
      [`${PREFIX}BATCH_SIZE`]: '200',
    };
    expect(prefect({}, environment)).toMatchObject({
      enabled: true,
      schedule: { every: 600_000 },
      batchSize: 200,
    });
    expect(readRetention({}, environment)).toBe(30 * DAY);
    expect(prefect({ enabled: false, loopSeconds: 60, batchSize: 'auto' }, environment)).toMatchObject({
      enabled: false,
      schedule: { every: 60_000 },
      batchSize: 'auto',
    });
  });

  const words: [unknown, boolean, number][] = [
    [true, true, 13],
    ['true', true, 13],
    ['1', true, 13],
    ['on', true, 13],
    [false, false, 13],
    ['false', false, 13],
    ['0', false, 13],
    ['', false, 13],
    ['flow_runs', true, 11],
    ['events,flow_runs', true, 13],
    ['orphans', true, 6],
    ['events', true, 2],
    [['flow_runs', 'orphans'], true, 11],
  ];
  test.each(words)('enabled may be %j', (value, enabled, passes) => {
    const policy = prefect({ enabled: value as string }, {});
    expect([policy.enabled, policy.passes.length]).toEqual([enabled, passes]);
  });

  test('events that are kept for ever are kept with their heartbeats, unless a retention of these is given', () => {
    const getEvents = (settings: PrefectSettings): unknown => {
      const pass = prefect(settings, {}).passes.find(({ name }) => name === 'old-events');
      return pass?.kind === 'expireRows' ? pass.overrides.map(({ olderThan }) => olderThan) : undefined;
    };
    expect(getEvents({ eventRetentionPeriod: 'never' })).toBeUndefined();
    expect(getEvents({ eventRetentionPeriod: '2 days' })).toEqual([2 * DAY]);
    expect(getEvents({ eventRetentionPeriod: '30 days' })).toEqual([7 * DAY]);
    expect(
      getEvents({ eventRetentionPeriod: 'never', eventRetentionOverrides: { 'a.*': '3 days', b: null } }),
    ).toEqual([null, 3 * DAY]);
  });

  test('a cron takes the place of the loop', () => {
    expect(prefect({ cron: '0 3 1 * *', timezone: 'Asia/Bangkok' }, {}).schedule).toEqual({
      cron: '0 3 1 * *',
      timezone: 'Asia/Bangkok',
    });
  });

  test('each run ends with giving space back if it is asked to', () => {
    const last = (settings: PrefectSettings): unknown => prefect(settings, {}).passes.at(-1);
    expect(last({})).not.toMatchObject({ kind: 'reclaimSpace' });
    expect(last({ reclaim: 'reindex' })).toMatchObject({ kind: 'reclaimSpace', mode: 'reindex' });
    const full = { reclaim: 'full', reclaimWindow: '03:00-05:00', timezone: 'Asia/Bangkok' } as const;
    expect(last(full)).toMatchObject({ mode: 'full', window: '03:00-05:00', timezone: 'Asia/Bangkok' });
    expect(listIssues({ reclaim: 'full', window: '03:00-05:00', loopSeconds: 0 })).toEqual([
      'setting loopSeconds: 0 cannot be used',
      'setting reclaim: full keeps everybody off each table while it is rewritten, and no reclaimWindow says when that is bearable',
    ]);
    expect(listIssues({ reclaim: 'some' as 'off' })).toEqual(['setting reclaim: "some" cannot be used']);
  });

  test.each([3600, '3600', 'PT1H', '1 hour', 0, -5, 'soon'])(
    'a retention of %j is refused',
    (retentionPeriod) => {
      expect(listIssues({ retentionPeriod }).join()).toContain('setting retentionPeriod');
    },
  );

  test('a retention of a second over an hour is taken', () => {
    expect(readRetention({ retentionPeriod: 3601 })).toBe(3_601_000);
  });

  test.each([
    ['orphanGrace', -1],
    ['batchTarget', 'soon'],
    ['batchTarget', 0],
    ['batchPause', -5],
    ['sliceSeconds', 1.5],
    ['sliceBatches', 0],
    ['retentionPeriod', 'P6M'],
    ['retentionPeriod', 'P1Y'],
    ['cron', ''],
    ['loopSeconds', 0],
    ['batchSize', -1],
  ])('%s of %j is refused', (setting, value) => {
    expect(listIssues({ [setting]: value }).join()).toContain(`setting ${setting}`);
  });

  test.each([
    ['ENABLED', 'maybe'],
    ['LOOP_SECONDS', '-1'],
    ['RETENTION_PERIOD', 'PT1H'],
    ['BATCH_SIZE', '0'],
  ])('%s of %s in the environment is refused by its name', (name, value) => {
    const mistakes = listIssues({}, { [`${PREFIX}${name}`]: value });
    expect(mistakes.join()).toContain(`environment variable ${PREFIX}${name}`);
  });

  test('all that cannot be used is told at once, with the names that the person wrote', () => {
    const mistakes = listIssues(
      { enabled: 'perhaps', loopSeconds: -1, batchSize: 'many', shards: 0, retentoinPeriod: 5 },
      { [`${PREFIX}RETENTION_PERIOD`]: '60' },
    );
    expect(mistakes.toSorted()).toEqual(
      [
        'setting retentoinPeriod: there is no such setting in preset prefect',
        'setting enabled: "perhaps" cannot be used',
        'setting loopSeconds: -1 cannot be used',
        `environment variable ${PREFIX}RETENTION_PERIOD: "60" cannot be used`,
        'setting batchSize: "many" cannot be used',
        'setting shards: 0 cannot be used',
      ].toSorted(),
    );
  });
});
