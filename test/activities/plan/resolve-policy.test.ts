import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { openDatabase as openVacuumed } from '../../../activities/ledger/database.ts';
import { resolvePolicy } from '../../../activities/plan/resolve-policy.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { ValidationError } from '../../../policy/issue.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { AuditLog, createShop, Folder, Order, shopPolicy } from '../../support/shop.ts';
import { prefectPolicy } from '../../support/vacuum.ts';

const Missing = defineEntity({
  name: 'Missing',
  tableName: 'nowhere',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Report = defineEntity({
  name: 'Report',
  tableName: 'report_view',
  properties: { id: p.integer().primary(), at: p.datetime(), color: p.string().nullable() },
});

describe('a policy against the live database', () => {
  let shop: TestDatabase;

  beforeEach(async () => {
    shop = await createShop();
  });
  afterEach(async () => shop.drop());

  async function refusal(policy: Policy, url = shop.url): Promise<ValidationError> {
    const { session, close } = await openVacuumed(url);
    try {
      const names = policy.passes.map((pass) => pass.name);
      await session.snapshot({ lockMillis: 1000, statementMillis: 5000 }, async (tx) =>
        resolvePolicy(tx, policy, names, 'execute'),
      );
    } catch (error) {
      if (error instanceof ValidationError) return error;
      throw error;
    } finally {
      await close();
    }
    throw new Error('the policy was not refused');
  }

  const expiring = (options: object): Pass =>
    expireRows({ name: 'old', entity: Order, age: 'closedAt', olderThan: '10 days', ...options });

  const wrong: [string, Pass, string][] = [
    [
      'a table that is missing',
      expiring({ entity: Missing, age: 'at' }),
      'entity Missing has no table in this database (table nowhere is missing)',
    ],
    [
      'a property that does not exist',
      expiring({ age: 'closedOn' }),
      'age names "closedOn", which is no property of Order with a column',
    ],
    [
      'an age column that is no timestamp',
      expiring({ age: 'status' }),
      'age names Order.status, which is no timestamp or date in this database (its type is text)',
    ],
    [
      'a filter on a property that does not exist',
      expiring({ where: { colour: 'red' } }),
      'its where names Order.colour, which is no property',
    ],
    [
      'a filter with an undefined value',
      expiring({ where: { status: undefined } }),
      'its where has no value: status is undefined',
    ],
    ['a filter that comes to nothing', expiring({ where: { $and: [] } }), '$and is empty'],
    [
      'a filter that the database does not understand',
      expiring({ where: { id: 'abc' } }),
      'the database does not understand its condition',
    ],
    [
      'a nesting that is no foreign key',
      expiring({ nestedBy: 'status' }),
      'nestedBy names Order.status, which is no foreign key with on delete set null',
    ],
    [
      'a child by a property that does not exist',
      expiring({ with: [softChild({ entity: AuditLog, by: 'ordrId' as 'orderId' })] }),
      'by names "ordrId", which is no property of AuditLog',
    ],
    [
      'an orphan by a property that does not exist',
      deleteOrphans({ name: 'lost', entity: AuditLog, by: 'order' as 'orderId', parent: Order, age: 'at' }),
      'by names "order", which is no property of AuditLog',
    ],
  ];
  test.each(wrong)('%s is told', async (_, pass, expected) => {
    expect((await refusal(shopPolicy({ passes: [pass] }))).message).toContain(expected);
  });

  test('a partitioned table is refused but by expireRows, with what to do instead', async () => {
    await shop.rows('create table report_view (id integer, at timestamptz) partition by range (at)');
    const unused = deleteUnreferenced({ name: 'unused', entity: Report, age: 'at', references: [] });
    const error = await refusal(shopPolicy({ passes: [unused] }));
    expect(error.message).toContain('entity Report is partitioned');
    expect(error.message).toContain('expireRows and dropPartitions take a partitioned table');
  });

  test('a column that is missing is told', async () => {
    await shop.rows('create table report_view (id integer primary key, at timestamptz)');
    const error = await refusal(
      shopPolicy({ passes: [expiring({ entity: Report, age: 'at', where: { color: 'red' } })] }),
    );
    expect(error.message).toContain('the database does not understand its condition');
  });

  test('missing privileges are told with the statement that grants them', async () => {
    await shop.rows(`
      do $$ begin create role reader login; exception when duplicate_object then null; end $$;
      grant select on all tables in schema public to reader`);
    const url = new URL(shop.url);
    url.username = 'reader';
    const error = await refusal(shopPolicy({ passes: [expiring({})] }), url.toString());
    expect(error.message).toContain('the database role may not update, delete rows of entity Order');
    expect(error.message).toContain('grant update, delete on shop_order to the role of the connection');
  });

  test('a database that is not Prefect’s is told table by table, each once', async () => {
    const error = await refusal(prefectPolicy());
    expect(error.issues.map((mistake) => mistake.here ?? '').toSorted()).toEqual([
      'table artifact is missing',
      'table artifact_collection is missing',
      'table flow_run is missing',
      'table log is missing',
      'table task_run is missing',
    ]);
  });

  test('five mistakes of five kinds are told at once, and what may travel names no table', async () => {
    const error = await refusal(
      shopPolicy({
        batchSize: 0,
        passes: [
          expiring({ name: 'one', age: 'nothing' }),
          expiring({ name: 'two', olderThan: '1 minute' }),
          expiring({ name: 'three', entity: Missing, age: 'at' }),
          expiring({ name: 'four', where: { nothing: 1 } }),
          expiring({ name: 'five', entity: Folder, age: 'closedOn', nestedBy: 'id' }),
        ],
      }),
    );
    expect(error.issues.length).toBe(6);
    for (const name of ['one', 'two', 'three', 'four', 'five'])
      expect(error.message).toContain(`pass "${name}"`);
    expect(error.message).toContain('nowhere');
    for (const table of ['nowhere', 'folder', 'shop_order']) expect(error.wireMessage).not.toContain(table);
  });

  test('a server that does not count its deletes is refused', async () => {
    await shop.rows(`alter database ${shop.name} set track_counts = off`);
    expect((await refusal(shopPolicy({ passes: [expiring({})] }))).message).toContain('track_counts is off');
  });
});
