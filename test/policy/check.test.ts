import { describe, expect, test } from '@jest/globals';

import { checkPolicy } from '../../policy/check.ts';
import { deleteOrphans } from '../../policy/delete-orphans.ts';
import { expireRows } from '../../policy/expire-rows.ts';
import { describeIssue } from '../../policy/issue.ts';
import type { PolicyOptions } from '../../policy/policy.ts';
import { AuditLog, Order, shopPolicy } from '../support/shop.ts';

const orders = (options: object = {}): ReturnType<typeof expireRows> =>
  expireRows({ name: 'old-orders', entity: Order, age: 'closedAt', olderThan: '10 days', ...options });

function listIssues(options: Partial<PolicyOptions>): string[] {
  return checkPolicy(shopPolicy({ passes: [orders()], ...options })).map((mistake) =>
    describeIssue(mistake, true),
  );
}

describe('a policy by itself', () => {
  test('that is right has no mistakes', () => {
    expect(listIssues({})).toEqual([]);
    expect(listIssues({ batchSize: 1, shards: 16, slice: { seconds: 1, batches: 1 } })).toEqual([]);
    expect(listIssues({ schedule: { every: '1 hour' } })).toEqual([]);
    expect(listIssues({ schedule: { cron: '0 3 1 * *', timezone: 'Asia/Bangkok' } })).toEqual([]);
  });

  const wrong: [string, Partial<PolicyOptions>, string][] = [
    ['a name with spaces', { name: 'my policy' }, 'its name cannot be used in workflow ids and metrics'],
    ['no passes', { passes: [] }, 'it has no passes'],
    ['a batch size of 0', { batchSize: 0 }, 'batchSize is 0'],
    ['half a row', { batchSize: 1.5 }, 'batchSize is 1.5'],
    ['no shards', { shards: 0 }, 'shards is 0'],
    ['too many shards', { shards: 17 }, 'shards is 17'],
    ['a slice without time', { slice: { seconds: 0 } }, 'slice.seconds is 0'],
    ['a slice without batches', { slice: { batches: 0 } }, 'slice.batches is 0'],
    ['a target of nothing', { batchTarget: 0 }, 'batchTarget is 0'],
    ['a pause before the past', { batchPause: -1 }, 'batchPause is -1'],
    ['a pause longer than a minute', { batchPause: '2 minutes' }, 'batchPause is "2 minutes"'],
    [
      'a schedule of nothing',
      { schedule: { every: 0 } },
      'schedule.every is 0, which is no duration of a second or more',
    ],
    ['a cron of six fields', { schedule: { cron: '0 0 3 * * *' } }, 'it has not five fields'],
    ['an impossible cron', { schedule: { cron: '61 3 * * *' } }, 'schedule.cron "61 3 * * *" cannot be read'],
    [
      'a time zone of fancy',
      { schedule: { cron: '0 3 * * *', timezone: 'Mars/Olympus' } },
      'is no known time zone',
    ],
    ['two passes of one name', { passes: [orders(), orders()] }, 'another pass has this name'],
    [
      'a pass that depends on a later one',
      { passes: [orders({ dependsOn: ['later'] })] },
      'which is no earlier pass',
    ],
    [
      'a retention below an hour',
      { passes: [orders({ olderThan: '59 minutes' })] },
      'olderThan is 59 minutes',
    ],
    [
      'a negative retention',
      { passes: [orders({ olderThan: '-10 days' })] },
      'its horizon would lie in the future',
    ],
    [
      'a retention that is none',
      { passes: [orders({ olderThan: 'a while' })] },
      'olderThan "a while" is no duration',
    ],
  ];
  test.each(wrong)('with %s is told so', (_, options, expected) => {
    expect(listIssues(options).join('\n')).toContain(expected);
  });

  test('a short retention is fine where it is meant', () => {
    expect(listIssues({ passes: [orders({ olderThan: '1 minute', allowShort: true })] })).toEqual([]);
  });

  test('a negative grace is a horizon in the future', () => {
    const orphans = deleteOrphans({
      name: 'lost',
      entity: AuditLog,
      by: 'orderId',
      parent: Order,
      age: 'at',
      grace: '-1 hour',
    });
    expect(listIssues({ passes: [orphans] }).join()).toContain('its horizon would lie in the future');
  });

  test('mistakes of one option do not hide those of the pass as a whole', () => {
    const options = {
      age: [],
      olderThan: null,
      keepLast: { count: 0, per: [] },
      overrides: [{ where: {}, olderThan: null }],
      shards: 5n,
    };
    expect(listIssues({ passes: [orders(options)] })).toEqual([
      'shards is 5',
      'age names no property',
      'keepLast.count is 0',
      'keepLast.per names no property',
      'its overrides[0].where has no condition, so that it would be about every row',
      'olderThan is null, so that nothing would ever expire',
    ]);
  });

  test('with five mistakes is told all five', () => {
    const mistakes = listIssues({
      name: 'Not A Name',
      batchSize: -1,
      shards: 99,
      passes: [orders({ olderThan: '1 minute' }), orders({ olderThan: 'never' })],
    });
    expect(mistakes.length).toBe(6);
  });
});
