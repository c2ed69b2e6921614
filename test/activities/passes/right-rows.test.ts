import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { raw } from '@mikro-orm/core';

import { softChild } from '../../../policy/expire-rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';
import { Child, createItems, expiring, makePolicy } from '../../support/items.ts';
import { waitForLockWait } from '../../support/locks.ts';

// Rows that are near to what may go and must stay: each was found by an attack on an earlier version.
describe('right rows only', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createItems();
  });
  afterEach(async () => database.drop());

  const items = async (): Promise<unknown[]> =>
    (await database.rows<{ id: number }>('select id from item order by id')).map(({ id }) => id);

  async function oldItems(count: number): Promise<void> {
    await database.rows(
      `insert into item select n, null, 'done', now() - interval '10 days' from generate_series(1, $1::int) as n`,
      [count],
    );
  }

  test('a filter of raw conditions alone is a filter', async () => {
    await oldItems(4);
    await database.rows(`update item set state = 'OPEN' where id > 2`);
    await runEngine(database.url, makePolicy(expiring({ where: { [raw('lower(state)')]: 'done' } })));
    expect(await items()).toEqual([3, 4]);
  });

  test('a filter over relations is judged anew for a row that somebody changes meanwhile', async () => {
    await database.rows(`insert into owner values (1, 'x')`);
    await oldItems(5);
    await database.rows('update item set owner_id = 1');
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query(`update item set state = 'open' where id = 3`);
    const running = runEngine(
      database.url,
      makePolicy(expiring({ where: { state: 'done', owner: { kind: 'x' } } })),
    );
    // A row that is locked is passed over; a statement that waited would have to judge it by what it saw before.
    await running;
    await other.query('commit');
    other.release();
    expect(await items()).toEqual([3]);
    await runEngine(database.url, makePolicy(expiring({ where: { state: 'done', owner: { kind: 'x' } } })));
    expect(await items()).toEqual([3]);
  });

  test('a row that is changed while the delete waits for it stays', async () => {
    await oldItems(5);
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query(`update item set state = 'open' where id = 3`);
    const running = runEngine(database.url, makePolicy(expiring({ where: { state: 'done' } })));
    await waitForLockWait(database);
    await other.query('commit');
    other.release();
    await running;
    expect(await items()).toEqual([3]);
  });

  test.each([
    ['a select of its own', '(select i.state from item as i where i.id = t.id)'],
    ['a function that selects', 'state_of(t.id)'],
  ])('a filter with %s is judged anew for a row that somebody changes meanwhile', async (_, condition) => {
    await database.rows(`create function state_of(integer) returns text stable language plpgsql as
      $$ begin return (select i.state from item as i where i.id = $1); end $$`);
    await oldItems(5);
    const where = { [raw(condition)]: 'done' };
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query(`update item set state = 'open' where id = 3`);
    const running = runEngine(database.url, makePolicy(expiring({ where })));
    // A statement that waited for the row would have to judge it by what it saw before.
    await waitForLockWait(database, running);
    await other.query('commit');
    other.release();
    await running;
    expect(await items()).toEqual([3]);
  });

  test.each(['by-location', 'by-age'] as const)(
    'rows, keys and cursor of a batch that takes only some belong together: %s',
    async (scan) => {
      await database.rows(`
        create table child (id integer primary key, item_id integer references item, at timestamptz);
        create index on child (item_id);
        create index on item (at)`);
      await oldItems(30);
      await database.rows('insert into child select n, 1 + n % 30, now() from generate_series(1, 300) as n');
      await database.rows('analyze');
      // Item 12 comes to life after the first batch: it and its children stay, all others go.
      let batches = 0;
      const report = await runEngine(
        database.url,
        makePolicy(
          expiring({ where: { state: 'done' }, with: [softChild({ entity: Child, by: 'itemId' })] }),
        ),
        {
          scan,
          lockFirst: true,
          size: 45,
          afterBatch: async () => {
            batches += 1;
            if (batches === 1) await database.rows(`update item set state = 'open' where id = 12`);
          },
        },
      );
      expect(await items()).toEqual([12]);
      expect(await database.rows('select item_id, count(*) from child group by item_id')).toEqual([
        { item_id: 12, count: 10 },
      ]);
      expect(report.deleted).toEqual({ item: 29, child: 290 });
      expect(batches).toBeGreaterThan(5);
    },
  );

  test('an oversized row is drained, and not its neighbour', async () => {
    await database.rows(`
      create table child (id integer primary key, item_id integer, at timestamptz);
      create index on child (item_id)`);
    await oldItems(12);
    await database.rows('insert into child select n, 10, now() from generate_series(1, 400) as n');
    await database.rows('insert into child select 1000 + n, 2, now() from generate_series(1, 5) as n');
    await database.rows(`update item set state = 'open' where id = 2`);
    await runEngine(
      database.url,
      makePolicy(expiring({ where: { state: 'done' }, with: [softChild({ entity: Child, by: 'itemId' })] })),
      { lockFirst: true, size: 50 },
    );
    expect(await items()).toEqual([2]);
    expect(await database.value('select count(*) from child where item_id = 2')).toBe(5);
    expect(await database.value('select count(*) from child')).toBe(5);
  });

  test('an oversized row whose children refer to one another is drained in an order that works', async () => {
    await database.rows(`
      create table b (id integer primary key, item_id integer references item on delete cascade, a_id integer);
      create table a (id integer primary key, item_id integer references item on delete cascade);
      alter table b add foreign key (a_id) references a;
      create index on a (item_id);
      create index on b (item_id);
      create index on b (a_id)`);
    await oldItems(2);
    await database.rows('insert into a select n, 1 from generate_series(1, 200) as n');
    await database.rows('insert into b select n, 1, n from generate_series(1, 200) as n');
    const report = await runEngine(database.url, makePolicy(expiring()), { lockFirst: true, size: 50 });
    expect(report.deleted).toEqual({ item: 2, a: 200, b: 200 });
  });

  test.each(['set null', 'cascade', 'no action'])(
    'a soft child with a foreign key on delete %s goes with its row',
    async (onDelete) => {
      await database.rows(`
        create table child (id integer primary key, item_id integer references item on delete ${onDelete}, at timestamptz)`);
      await oldItems(5);
      await database.rows('insert into child select n, n, now() from generate_series(1, 5) as n');
      await database.rows('insert into child values (9, null, now())');
      const report = await runEngine(
        database.url,
        makePolicy(expiring({ with: [softChild({ entity: Child, by: 'itemId' })] })),
      );
      expect(report.deleted).toEqual({ item: 5, child: 5 });
      expect(await database.rows('select id from child')).toEqual([{ id: 9 }]);
    },
  );

  test('an age without time zone keeps rows until they are old wherever they were written', async () => {
    await database.rows(`
      alter database ${database.name} set timezone = 'America/Los_Angeles';
      alter table item alter at type timestamp`);
    await database.rows(`
      insert into item values
        (1, null, 'x', now() at time zone 'UTC' - interval '6 hours 1 minute' - interval '12 hours'),
        (2, null, 'x', now() at time zone 'UTC' - interval '5 hours 59 minutes' - interval '12 hours'),
        (3, null, 'x', now() at time zone 'Etc/GMT+12' - interval '5 minutes')`);
    await runEngine(database.url, makePolicy(expiring({ olderThan: '6 hours' })));
    expect(await items()).toEqual([2, 3]);
  });

  test('an age of less precision than the horizon is not rounded over it', async () => {
    await database.rows('alter table item alter at type timestamptz(0)');
    await database.rows(`insert into item select n, null, 'x', now() - interval '1 day' + n * interval '1 second'
      from generate_series(-3, 3) as n`);
    await runEngine(database.url, makePolicy(expiring()));
    const left = await database.value<string>(`select min(at) > now() - interval '1 day 1 second' from item`);
    expect(left).toBe(true);
    expect((await items()).length).toBeGreaterThanOrEqual(3);
  });
});
