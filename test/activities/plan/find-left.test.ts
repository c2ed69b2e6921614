import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { localDisk } from '../../../activities/files/local-disk.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteRecordedFiles } from '../../../policy/delete-recorded-files.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { fileRoot, recordedPath } from '../../../policy/file-root.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { repointLatest } from '../../../policy/repoint-latest.ts';
import { sweepStrayFiles } from '../../../policy/sweep-stray-files.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const id = p.integer().primary();
const Tenant = defineEntity({ name: 'Tenant', properties: { id, closedAt: p.datetime().nullable() } });
const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: { id, tenantId: p.integer(), at: p.datetime(), path: p.string().nullable() },
});
const Log = defineEntity({ name: 'Log', properties: { id, orderId: p.integer(), at: p.datetime() } });
const Latest = defineEntity({
  name: 'Latest',
  properties: { id, tenantId: p.integer(), orderId: p.integer().nullable() },
});

const latest = latestPointer({
  holder: Latest,
  pointer: 'orderId',
  target: Order,
  group: 'tenantId',
  newest: 'at',
});
const root = fileRoot({
  name: 'media',
  store: localDisk('/nowhere'),
  recordedBy: [recordedPath({ entity: Order, path: 'path' })],
});
const logs = softChild({ entity: Log, by: 'orderId' });

const oldOrders = expireRows({
  name: 'old-orders',
  entity: Order,
  age: 'at',
  olderThan: '7 days',
  with: [logs],
});
const closedTenants = expireRows({
  name: 'closed-tenants',
  entity: Tenant,
  age: 'closedAt',
  olderThan: '7 days',
});
const lostLogs = deleteOrphans({
  name: 'lost-logs',
  entity: Log,
  by: 'orderId',
  parent: Order,
  age: 'at',
  grace: 0,
});

function makePolicy(...passes: Pass[]): Policy {
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [Tenant, Order, Log, Latest],
    limits: { maxPercent: 100 },
    passes,
  });
}

const LEFT =
  /^it deletes rows of Order and leaves the rows of Log that name them by orderId: pass old-orders/;

describe.each(DIALECTS)('what belongs to rows that another pass deletes, on %s', (_, open) => {
  let database: EitherDatabase;

  beforeEach(async () => {
    // Tenant 1 is closed, with a young order 10 and an old one 11; tenant 2 is not.
    database = await open(`
      create table tenant (id integer primary key, closed_at timestamp with time zone);
      create table orders (id integer primary key, tenant_id integer references tenant on delete cascade,
        at timestamp with time zone not null, path text);
      create table log (id integer primary key, order_id integer, at timestamp with time zone not null);
      create table latest (id integer primary key, tenant_id integer unique, order_id integer);
      create index orders_tenant on orders (tenant_id);
      create index log_order on log (order_id);
      insert into tenant values (1, ${daysAgo(9)}), (2, null);
      insert into orders (id, tenant_id, at) values (10, 1, ${daysAgo(1)}), (11, 1, ${daysAgo(9)}), (20, 2, ${daysAgo(1)}), (21, 2, ${daysAgo(9)});
      insert into log select 10 * id, id, at from orders union all select 10 * id + 1, id, at from orders`);
  });
  afterEach(async () => database.drop());

  async function examine(policy: Policy, passes = policy.passes.map(({ name }) => name)): Promise<string[]> {
    const opened = await openDatabase(database.url);
    try {
      const preview = await previewPolicy(opened, policy, passes);
      const told = preview.passes.flatMap(({ name, left }) => left.map((what) => `pass ${name}: ${what}`));
      if (passes.length < policy.passes.length) return told;
      const findings = await examineDatabase(opened, policy);
      const advice = findings.filter(({ what }) => what.includes('and leaves'));
      expect(advice.map(({ about, what, fix }) => `${about}: ${what}. ${fix ?? ''}`)).toEqual(told);
      return told;
    } finally {
      await opened.close();
    }
  }

  test('is left, and preview and doctor say so by name', async () => {
    const policy = makePolicy(closedTenants, oldOrders);
    expect(await examine(policy)).toEqual([
      'pass closed-tenants: it deletes rows of Order and leaves the rows of Log that name them by orderId: ' +
        'pass old-orders names them as soft children. ' +
        'Name Log as a softChild of Order in this pass as well, or add a deleteOrphans pass of Log by orderId',
    ]);
    expect(await examine(policy, ['closed-tenants'])).toHaveLength(1);
    expect(await runAsPreviewed(database.url, policy)).toEqual({
      'closed-tenants': { tenant: 1, orders: 2 },
      'old-orders': { orders: 1, log: 2 },
    });
    expect(await database.ids('log')).toEqual([100, 101, 110, 111, 200, 201]);
  });

  test('goes if the pass names it too, and a held row below keeps all above it', async () => {
    const tenants = expireRows({
      name: 'closed-tenants',
      entity: Tenant,
      age: 'closedAt',
      olderThan: '7 days',
      with: [softChild({ entity: Order, by: 'tenantId', with: [logs] })],
    });
    const policy = makePolicy(tenants, oldOrders);
    expect(await examine(policy)).toEqual([]);
    const opened = await openDatabase(database.url);
    await addHold(opened, policy, {
      entity: 'Log',
      rows: { key: '101' },
      reason: 'audit',
      who: 'me',
      until: null,
    });
    await opened.close();
    expect(await runAsPreviewed(database.url, policy)).toEqual({
      'closed-tenants': {},
      'old-orders': { orders: 2, log: 4 },
    });
    expect(await database.ids('tenant')).toEqual([1, 2]);
    expect(await database.ids('log')).toEqual([100, 101, 200, 201]);
  });

  test('goes later if a pass for orphans finds it', async () => {
    const policy = makePolicy(closedTenants, oldOrders, lostLogs);
    expect(await examine(policy)).toEqual([]);
    expect(await runAsPreviewed(database.url, policy)).toMatchObject({ 'lost-logs': { log: 4 } });
    expect(await database.ids('log')).toEqual([200, 201]);
  });

  test('is taken care of by a foreign key of the database', async () => {
    await database.execute('drop table log');
    await database.execute(`create table log (id integer primary key,
      order_id integer references orders on delete cascade, at timestamp with time zone)`);
    const policy = makePolicy(closedTenants, oldOrders);
    expect(await examine(policy)).toEqual([]);
    expect(await examine(policy, ['closed-tenants'])).toEqual([]);
  });

  test('is left by a pass over the same entity that does not name it', async () => {
    const others = expireRows({
      name: 'others',
      entity: Order,
      age: 'at',
      olderThan: '3 days',
      where: { tenantId: 2 },
    });
    const told = await examine(makePolicy(others, oldOrders));
    expect(told.map((what) => what.replace('pass others: ', ''))).toEqual([expect.stringMatching(LEFT)]);
  });

  test('are pointers and files as well', async () => {
    const before = expireRows({
      name: 'old-orders',
      entity: Order,
      age: 'at',
      olderThan: '7 days',
      files: [root],
    });
    const repaired = expireRows({
      name: 'closed',
      entity: Tenant,
      age: 'closedAt',
      olderThan: '9 days',
      where: { id: 7 },
      with: [softChild({ entity: Order, by: 'tenantId', repoint: [latest] })],
    });
    const files = deleteRecordedFiles({ name: 'files', from: 'old-orders', root });
    const told = await examine(makePolicy(closedTenants, repaired, before, files));
    expect(told.map((what) => what.split('. ')[0])).toEqual([
      'pass closed-tenants: it deletes rows of Order and leaves Latest.orderId pointing at them: pass closed repairs it',
      'pass closed-tenants: it deletes rows of Order and leaves their files below root media: pass old-orders names them',
      'pass closed: it deletes rows of Order and leaves their files below root media: pass old-orders names them',
      'pass old-orders: it deletes rows of Order and leaves Latest.orderId pointing at them: pass closed repairs it',
    ]);
    const mending = [
      repointLatest({ name: 'stale', pointer: latest }),
      sweepStrayFiles({ name: 'strays', root, remove: true }),
    ];
    expect(
      await examine(makePolicy(closedTenants, repaired, before, files, ...mending), ['closed-tenants']),
    ).toEqual([]);
  });
});
