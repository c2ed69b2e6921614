import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { repointLatest } from '../../../policy/repoint-latest.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Line = defineEntity({
  name: 'Line',
  tableName: 'lines',
  properties: { id: p.integer().primary(), orderId: p.integer(), at: p.datetime() },
});
const Latest = defineEntity({
  name: 'Latest',
  tableName: 'latest',
  properties: { orderId: p.integer().primary(), lineId: p.integer() },
});

const SCHEMA = `
  create table orders (id integer primary key, at timestamptz not null);
  create table lines (id integer primary key, order_id integer not null references orders on delete cascade, at timestamptz default now() - interval '9 days');
  create table notes (id integer primary key, line_id integer references lines on delete set null);
  create table latest (order_id integer primary key, line_id integer);
  create table log (id integer);
  create index on lines (order_id);
  insert into orders values (1, now() - interval '9 days'), (2, now());
  insert into lines values (10, 1), (20, 2), (90, 2);
  insert into notes values (100, 10), (200, 20);
  insert into latest values (1, 10), (2, 20)`;

describe('what the database makes something else of a delete is refused by name:', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(SCHEMA);
  });
  afterEach(async () => database.drop());

  const expiring = expireRows({ name: 'old', entity: Order, age: 'at', olderThan: '1 day' });
  const withLines = expireRows({
    name: 'old',
    entity: Order,
    age: 'at',
    olderThan: '1 day',
    with: [softChild({ entity: Line, by: 'orderId' })],
  });
  const pointer = latestPointer({
    holder: Latest,
    pointer: 'lineId',
    target: Line,
    group: 'orderId',
    newest: 'at',
  });

  async function refusal(pass: Pass): Promise<string> {
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Order, Line, Latest],
      passes: [pass],
    });
    return runEngine(database.url, policy).then(
      () => 'nothing refused',
      (error: Error) => error.message,
    );
  }

  const MARK = 'do instead update orders set at = at where id = old.id';
  const RULES: [string, string, Pass, string][] = [
    [
      'instead of a delete',
      `create rule r as on delete to orders ${MARK}`,
      expiring,
      'orders has a rule on delete (r)',
    ],
    [
      'with returning',
      `create rule r as on delete to orders ${MARK} returning old.*`,
      withLines,
      'orders has a rule on delete (r)',
    ],
    [
      'for some rows',
      `create rule r as on delete to orders where old.id = 1 ${MARK}`,
      expiring,
      'orders has a rule on delete (r)',
    ],
    [
      'besides a delete',
      'create rule r as on delete to orders do also insert into log values (old.id)',
      expiring,
      'orders has a rule on delete (r)',
    ],
    [
      'of what goes by cascade',
      'create rule r as on delete to lines do instead nothing',
      expiring,
      'lines has a rule on delete (r)',
    ],
    [
      'of a soft child',
      'create rule r as on delete to lines do instead nothing',
      withLines,
      'lines has a rule on delete (r)',
    ],
    [
      'of an orphan',
      'create rule r as on delete to lines do instead nothing',
      deleteOrphans({ name: 'lost', entity: Line, by: 'orderId', parent: Order, age: 'at' }),
      'lines has a rule on delete (r)',
    ],
    [
      'of what is set to null',
      'create rule r as on update to notes do instead nothing',
      expiring,
      'notes has a rule on update (r)',
    ],
    [
      'of a pointer',
      'create rule r as on update to latest do instead nothing',
      repointLatest({ name: 'latest', pointer }),
      'latest has a rule on update (r)',
    ],
  ];
  test.each(RULES)('a rule %s', async (_, rule, pass, what) => {
    await database.rows(rule);
    expect(await refusal(pass)).toContain(`table ${what}`);
    expect(await database.value('select count(*) from orders')).toBe(2);
    expect(await database.value('select count(*) from lines')).toBe(3);
  });

  test('a rule that is disabled, or on a table that nothing is deleted from, is not', async () => {
    await database.rows(`
      create rule r as on delete to orders do instead nothing;
      alter table orders disable rule r;
      create rule n as on delete to notes do instead nothing;
      create rule u as on update to orders do instead nothing`);
    expect(await refusal(expiring)).toBe('nothing refused');
  });

  test('a foreign key that moves rows between partitions', async () => {
    await database.rows(`
      create table parts (order_id integer references orders on delete cascade, bucket integer references orders on delete set null)
        partition by list (bucket);
      create table parts_null partition of parts for values in (null);
      create table parts_rest partition of parts default;
      insert into parts values (2, 1)`);
    const message = await refusal(expiring);
    expect(message).toContain('moves rows to another partition');
    expect(message).toContain('foreign key parts_bucket_fkey of parts_rest');
  });

  test('rows that a deferred trigger deletes in a table of the pass are counted', async () => {
    await database.rows(`
      create function later() returns trigger language plpgsql as
        'begin delete from lines where id = 90; return null; end';
      create constraint trigger b after delete on orders deferrable initially deferred
        for each row execute function later()`);
    const policy = definePolicy({ name: 'p', enabled: true, entities: [Order], passes: [expiring] });
    const { passes } = await runEngine(database.url, policy);
    expect(passes[0]?.deleted).toEqual({ orders: 1, lines: 2 });
    expect(await database.value('select count(*) from lines')).toBe(1);
  });

  test('without any of them the preview is what happens', async () => {
    const policy = definePolicy({ name: 'p', enabled: true, entities: [Order, Line], passes: [withLines] });
    expect(await runAsPreviewed(database.url, policy)).toEqual({ old: { orders: 1, lines: 1 } });
  });
});
