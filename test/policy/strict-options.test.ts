import { describe, expect, test } from '@jest/globals';

import { localDisk } from '../../activities/files/local-disk.ts';
import { checkPolicy } from '../../policy/check.ts';
import { deleteOrphans } from '../../policy/delete-orphans.ts';
import { deleteRecordedFiles } from '../../policy/delete-recorded-files.ts';
import { deleteUnreferenced, softReference } from '../../policy/delete-unreferenced.ts';
import { dropPartitions } from '../../policy/drop-partitions.ts';
import { expireRows, softChild } from '../../policy/expire-rows.ts';
import { fileRoot, recordedPath } from '../../policy/file-root.ts';
import { latestPointer } from '../../policy/latest-pointer.ts';
import { measureSize } from '../../policy/measure-size.ts';
import type { Pass } from '../../policy/pass.ts';
import type { PolicyOptions } from '../../policy/policy.ts';
import { definePolicy } from '../../policy/policy.ts';
import { prefect, prefectMaintenance } from '../../policy/presets/prefect/index.ts';
import { reclaimSpace } from '../../policy/reclaim-space.ts';
import { repointLatest } from '../../policy/repoint-latest.ts';
import { reportRows } from '../../policy/report-rows.ts';
import { sweepStrayFiles } from '../../policy/sweep-stray-files.ts';
import { checkOptions } from '../../worker/check-options.ts';
import { VacuumPlugin } from '../../worker/plugin.ts';
import { AuditLog, Order, shopPolicy } from '../support/shop.ts';

// What nobody reads is refused: the policy would mean something else than it says. JavaScript has no types to tell.

const EXPIRE = { name: 'old', entity: Order, age: 'closedAt', olderThan: '10 days' } as const;
const ORPHANS = { name: 'lost', entity: AuditLog, by: 'orderId', parent: Order, age: 'at' } as const;
const POINTER = { holder: AuditLog, pointer: 'orderId', target: Order, group: 'text', newest: 'id' } as never;
const ROOT = {
  name: 'r',
  store: localDisk('/srv/r'),
  recordedBy: [recordedPath({ entity: AuditLog, path: 'text' })],
};

const expire = (options: object): Pass => expireRows({ ...EXPIRE, ...options } as never);
const drop = (options: object): Pass =>
  dropPartitions({ name: 'd', entity: Order, age: 'closedAt', olderThan: '30 days', ...options } as never);

function listIssues(policy: Partial<PolicyOptions> & object): string[] {
  const all = checkPolicy(shopPolicy({ passes: [expire({})], ...policy }));
  return all.map(({ at, what, fix }) => `${at}: ${what}. ${fix}`);
}

const ofPass = (pass: unknown): string => listIssues({ passes: [pass as Pass] }).join('\n');

describe('an option that nobody reads is refused, and the nearest named:', () => {
  const wrong: [string, () => string, string, string][] = [
    [
      'of a policy',
      () => listIssues({ limit: { maxRows: 1 } } as never).join(),
      'it has "limit"',
      'Write limits',
    ],
    [
      'of a policy, in other letters',
      () => listIssues({ batchsize: 1 } as never).join(),
      'it has "batchsize"',
      'Write batchSize',
    ],
    [
      'of limits',
      () => listIssues({ limits: { maxRow: 1 } } as never).join(),
      'limits has "maxRow"',
      'Write maxRows',
    ],
    [
      'of a slice',
      () => listIssues({ slice: { second: 1 } } as never).join(),
      'slice has "second"',
      'Write seconds',
    ],
    [
      'of a schedule',
      () => listIssues({ schedule: { cron: '0 3 * * *', timeZone: 'UTC' } } as never).join(),
      'schedule has "timeZone"',
      'Write timezone',
    ],
    ['of any pass', () => ofPass(expire({ dependOn: ['x'] })), 'it has "dependOn"', 'Write dependsOn'],
    ['of expireRows', () => ofPass(expire({ were: { id: 1 } })), 'pass "old": it has "were"', 'Write where'],
    [
      'of expireRows, a plural',
      () => ofPass(expire({ override: [] })),
      'it has "override"',
      'Write overrides',
    ],
    [
      'of keepLast',
      () => ofPass(expire({ keepLast: { count: 1, per: ['id'], of: 1 } })),
      'keepLast has "of"',
      'count, per',
    ],
    [
      'of an override',
      () => ofPass(expire({ overrides: [{ where: { id: '1' }, olderThan: null, keeplast: {} }] })),
      'overrides[0] has "keeplast"',
      'Write keepLast',
    ],
    [
      'of a retention column',
      () => ofPass(expire({ olderThan: { column: 'id', unit: 'days', default: null, units: 1 } })),
      'olderThan has "units"',
      'Write unit',
    ],
    [
      'of a soft child, that a pass has',
      () => ofPass(expire({ with: [softChild({ entity: AuditLog, by: 'orderId', grace: '1d' } as never)] })),
      'with[0] has "grace"',
      'Use some of entity, by, onDelete, where, as, repoint, with',
    ],
    [
      'of a child of a soft child',
      () => {
        const below = softChild({ entity: AuditLog, by: 'orderId', whit: [] } as never);
        return ofPass(expire({ with: [softChild({ entity: AuditLog, by: 'orderId', with: [below] })] }));
      },
      'with[0].with[0] has "whit"',
      'Write with',
    ],
    [
      'of deleteOrphans',
      () => ofPass(deleteOrphans({ ...ORPHANS, graces: '9 days' } as never)),
      'it has "graces"',
      'Write grace',
    ],
    [
      'of a pointer',
      () =>
        ofPass(
          repointLatest({
            name: 'p',
            pointer: latestPointer({ ...(POINTER as object), copies: [] } as never),
          }),
        ),
      'pointer has "copies"',
      'holder, pointer, target, group, newest, copy',
    ],
    [
      'of deleteUnreferenced',
      () => ofPass(deleteUnreferenced({ name: 'u', entity: AuditLog, age: 'at', ignored: [] } as never)),
      'it has "ignored"',
      'Write ignore',
    ],
    [
      'of a reference',
      () => {
        const reference = softReference({ entity: AuditLog, by: 'orderId', were: {} } as never);
        return ofPass(
          deleteUnreferenced({ name: 'u', entity: Order, age: 'closedAt', references: [reference] }),
        );
      },
      'references[0] has "were"',
      'Write where',
    ],
    [
      'of reportRows',
      () =>
        ofPass(reportRows({ ...EXPIRE, handler: { each: async () => undefined, concurency: 2 } } as never)),
      'handler has "concurency"',
      'Write concurrency',
    ],
    [
      'of dropPartitions, that expireRows has',
      () => ofPass(drop({ where: { status: 'open' } })),
      'it has "where"',
      'use an expireRows pass over the same entity, which has this option',
    ],
    [
      'of dropPartitions, that no pass over partitions has',
      () => ofPass(drop({ keepLast: { count: 1, per: ['status'] } })),
      'pass "d": it has "keepLast"',
      'leave it out, and hold the rows that must stay, whose partitions then stay too',
    ],
    [
      'of dropPartitions, misspelt',
      () => ofPass(drop({ lockTimeOut: '1 s' })),
      'it has "lockTimeOut"',
      'Write lockTimeout',
    ],
    [
      'of measureSize',
      () => ofPass(measureSize({ name: 'm', exakt: true } as never)),
      'it has "exakt"',
      'Write exact',
    ],
    [
      'of reclaimSpace',
      () => ofPass(reclaimSpace({ name: 'r', retrys: 1 } as never)),
      'it has "retrys"',
      'Write retries',
    ],
    [
      'of sweepStrayFiles',
      () => ofPass(sweepStrayFiles({ name: 's', root: fileRoot(ROOT), include: ['x'] } as never)),
      'it has "include"',
      'Write exclude',
    ],
    [
      'of deleteRecordedFiles',
      () =>
        ofPass(deleteRecordedFiles({ name: 'd', root: fileRoot(ROOT), from: 'old', concurrent: 2 } as never)),
      'it has "concurrent"',
      'Write concurrency',
    ],
    [
      'of a root',
      () => ofPass(sweepStrayFiles({ name: 's', root: fileRoot({ ...ROOT, recorded: [] } as never) })),
      'root "r": it has "recorded"',
      'Write recordedBy',
    ],
    [
      'of a recorded path',
      () => {
        const path = recordedPath({ entity: AuditLog, path: 'text', jsonPath: '$.a' } as never);
        return ofPass(sweepStrayFiles({ name: 's', root: fileRoot({ ...ROOT, recordedBy: [path] }) }));
      },
      'recordedBy[0] has "jsonPath"',
      'Use some of entity, path',
    ],
    [
      'of localDisk',
      () => getMessage(() => localDisk('/srv/r', { markr: 'x' } as never)),
      '"markr"',
      'Write marker',
    ],
    [
      'of a preset',
      () => getMessage(() => prefect({ keeplast: 3 } as never, {})),
      'keeplast',
      'Write keepLast',
    ],
    [
      'of the other preset',
      () => getMessage(() => prefectMaintenance({ reclame: 'off' } as never)),
      'reclame',
      'Write reclaim',
    ],
    [
      'of a plugin',
      () => getMessage(() => new VacuumPlugin({ databases: {}, policies: [], allowPercents: 1 } as never)),
      'it has "allowPercents"',
      'Write allowPercent',
    ],
    [
      'of a configuration',
      () =>
        getMessage(() =>
          checkOptions('config', { databases: {}, policies: [], taskqueue: 'x' }, 'configuration'),
        ),
      'it has "taskqueue"',
      'Write taskQueue',
    ],
    [
      'of a function',
      () =>
        getMessage(() => checkOptions('execute', { database: 'x', temporal: 'dev', pass: ['a'] }, 'options')),
      'it has "pass"',
      'Write passes',
    ],
  ];
  test.each(wrong)('%s', (_, find, what, fix) => {
    expect(find()).toContain(what);
    expect(find()).toContain(fix);
  });

  test('all of all passes at once', () => {
    const passes = [
      expire({ were: {}, filter: {}, keeplast: {} }),
      deleteOrphans({ ...ORPHANS, filter: {}, graces: 1 } as never),
    ];
    expect(listIssues({ passes, limit: 1, limits: { maxRow: 1 } } as never)).toHaveLength(7);
  });
});

describe('an option of a wrong type is refused:', () => {
  test.each<[string, () => string, string]>([
    [
      "enabled: 'false'",
      () => listIssues({ enabled: 'false' } as never).join(),
      'enabled is "false", which is neither true nor false',
    ],
    ["enabled: 'no'", () => listIssues({ enabled: 'no' } as never).join(), 'enabled is "no"'],
    [
      "allowShort: 'false'",
      () => ofPass(expire({ allowShort: 'false', olderThan: '1 minute' })),
      'allowShort is "false"',
    ],
    [
      "remove: 'false'",
      () => ofPass(sweepStrayFiles({ name: 's', root: fileRoot(ROOT), remove: 'false' } as never)),
      'remove is "false"',
    ],
    ["optional: 'no'", () => ofPass(expire({ optional: 'no' })), 'optional is "no"'],
    [
      'an entity that was not imported',
      () => ofPass(expire({ entity: undefined })),
      'entity is undefined, which is no entity',
    ],
    [
      'one child instead of a list',
      () => ofPass(expire({ with: softChild({ entity: AuditLog, by: 'orderId' }) })),
      'with is no list',
    ],
    ['a pass that is none', () => ofPass(false), 'passes[0] is false, which is no pass'],
    ['a pass without a builder', () => ofPass({ kind: 'expire', name: 'x' }), 'which is no pass'],
    [
      'a root that is a folder',
      () => ofPass(sweepStrayFiles({ name: 's', root: '/srv' } as never)),
      'root is "/srv"',
    ],
    ['no entities', () => listIssues({ entities: undefined } as never).join(), 'entities is no list'],
  ])('%s', (_, find, what) => {
    expect(find()).toContain(what);
  });
});

test('what builders make has no options that nobody reads', () => {
  const everything = definePolicy({
    name: 'p',
    enabled: false,
    entities: [Order, AuditLog],
    passes: [
      expire({
        where: { status: 'open' },
        files: [fileRoot(ROOT)],
        with: [softChild({ entity: AuditLog, by: 'orderId' })],
      }),
      deleteRecordedFiles({ name: 'files', from: 'old', root: fileRoot(ROOT) }),
      deleteOrphans(ORPHANS),
      drop({}),
      measureSize({ name: 'm' }),
      reclaimSpace({ name: 'r' }),
    ],
  });
  const about = checkPolicy(everything).filter(({ what }) => what.includes('nobody reads'));
  expect(about).toEqual([]);
});

function getMessage(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return String(error);
  }
  return 'nothing was refused';
}
