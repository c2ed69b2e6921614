import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Scan } from '../../../activities/stored/scan.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import { closeGate } from '../../support/gate.ts';
import { Child, createItems, expiring, Item, makePolicy } from '../../support/items.ts';
import { Others } from '../../support/others.ts';
import { runAsPreviewed } from '../../support/truth.ts';

describe('the newest rows of each group stay', () => {
  let items: TestDatabase;

  beforeEach(async () => {
    items = await createItems();
    await items.rows('create index on item (at)');
    await items.rows(`insert into owner select n, 'o' from generate_series(1, 5) as n`);
  });
  afterEach(async () => items.drop());

  /** Items of an owner, one a day: the id is 1000 times the owner and the age in days. */
  async function add(owner: number | null, days: number, state = 'done'): Promise<void> {
    await items.rows(
      `insert into item (id, owner_id, state, at)
       select coalesce($1, 0) * 1000 + d, $1, $3, now() - d * interval '1 day'
       from generate_series(1, $2::int) as d`,
      [owner, days, state],
    );
  }

  async function left(): Promise<number[]> {
    return (await items.rows<{ id: number }>('select id from item order by id')).map((row) => row.id);
  }

  /** Runs by age; after one of the batches something happens. Returns how many batches there were. */
  async function runWhile(
    happens: { readonly after: number; readonly sql: string },
    policy: Policy,
    options: EngineOptions,
  ): Promise<number> {
    let batches = 0;
    await runEngine(items.url, policy, {
      ...options,
      scan: 'by-age',
      afterBatch: async () => {
        batches += 1;
        if (batches === happens.after) await items.rows(happens.sql);
      },
    });
    return batches;
  }

  const keepThree = { olderThan: '10 days', keepLast: { count: 3, per: ['ownerId'] } };

  test.each(['by-location', 'by-age'] satisfies Scan[])('by %s, whatever their age', async (scan) => {
    await add(1, 20);
    await add(2, 2);
    await add(null, 12);
    await items.rows(`update item set at = at - interval '100 days' where owner_id = 2 or owner_id is null`);
    await runAsPreviewed(items.url, makePolicy(expiring(keepThree)), { scan, size: 2 });
    expect(await left()).toEqual([1, 2, 3, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 2001, 2002]);
    expect(await items.value('select count(*) from vacuum.kept')).toBe(0);
  });

  test('among those that match only', async () => {
    await add(1, 2, 'running');
    await items.rows(
      `insert into item (id, owner_id, state, at)
       select n, 1, 'done', now() - n * interval '1 day' from generate_series(51, 60) as n`,
    );
    await runAsPreviewed(items.url, makePolicy(expiring({ ...keepThree, where: { state: 'done' } })));
    expect(await left()).toEqual([51, 52, 53, 1001, 1002]);
  });

  test('an override keeps another number, or none', async () => {
    for (const owner of [1, 2, 3]) await add(owner, 15);
    const pass = expiring({
      ...keepThree,
      olderThan: '1 hour',
      overrides: [
        { where: { ownerId: 1 }, olderThan: '1 hour', keepLast: { count: 1, per: ['ownerId'] } },
        { where: { ownerId: 2 }, olderThan: '13 days', keepLast: null },
      ],
    });
    await runAsPreviewed(items.url, makePolicy(pass), { size: 4 });
    const days = Array.from({ length: 12 }, (_, n) => 2001 + n);
    expect(await left()).toEqual([1001, ...days, 3001, 3002, 3003]);
  });

  test('a group that loses one of its newest meanwhile is left alone until the next run', async () => {
    for (const owner of [1, 2]) {
      await add(owner, 30);
      await items.rows(`update item set at = at - interval '50 days' where owner_id = $1`, [owner]);
    }
    const policy = makePolicy(expiring({ ...keepThree, where: { state: 'done' } }));
    const loss = { after: 1, sql: `update item set state = 'running', at = null where id = 2002` };
    await runWhile(loss, policy, { size: 3 });
    expect((await left()).filter((id) => id < 2000)).toEqual([1001, 1002, 1003]);
    // The first batch took its oldest, before anything was lost.
    expect((await left()).filter((id) => id > 2000)).toEqual(Array.from({ length: 29 }, (_, n) => 2001 + n));
    await runAsPreviewed(items.url, policy);
    expect((await left()).filter((id) => id > 2000)).toEqual([2001, 2002, 2003, 2004]);
  });

  test('a group of which an earlier pass takes one of the newest is left alone, as previewed', async () => {
    for (const owner of [1, 2]) await add(owner, 20);
    await items.rows(
      `update item set at = at - interval '50 days', state = case id when 1001 then 'cancelled' else state end`,
    );
    const cancelled = expireRows({
      name: 'cancelled',
      entity: Item,
      age: 'at',
      olderThan: '1 day',
      where: { state: 'cancelled' },
    });
    const deleted = await runAsPreviewed(items.url, makePolicy(cancelled, expiring(keepThree)));
    expect(deleted).toEqual({ cancelled: { item: 1 }, old: { item: 17 } });
    expect((await left()).filter((id) => id > 2000)).toEqual([2001, 2002, 2003]);
  });

  test.each([
    ['another group', 'update item set owner_id = 2 where id = 1001'],
    ['another retention', `update item set state = 'short' where id = 1001`],
  ])('one of the newest that is of %s by now does not count', async (_, change) => {
    for (const owner of [1, 2]) await add(owner, 20);
    await items.rows(`update item set at = at - interval '50 days'`);
    const pass = expiring({
      olderThan: '10 days',
      keepLast: { count: 1, per: ['ownerId'] },
      overrides: [{ where: { state: 'short' }, olderThan: '1000 days', keepLast: null }],
    });
    await runWhile({ after: 1, sql: change }, makePolicy(pass), { size: 2 });
    const ofFirst = await items.value(
      `select count(*) from item where owner_id = 1 and state = 'done' and id > 1001`,
    );
    expect(ofFirst).toBeGreaterThan(0);
  });

  test('a group whose newest match no more, since a row that the filter reads changed, is left alone', async () => {
    for (const owner of [1, 2]) await add(owner, 20);
    // The newest belong to owner 1, which changes; they do not.
    await items.rows(`update item set at = at - interval '50 days' - interval '1 year' * (owner_id - 1)`);
    const pass = expiring({
      olderThan: '10 days',
      where: { owner: { kind: 'o' } },
      keepLast: { count: 3, per: ['state'] },
    });
    const change = { after: 1, sql: `update owner set kind = 'other' where id = 1` };
    await runWhile(change, makePolicy(pass), { size: 5 });
    expect((await left()).filter((id) => id < 2000)).toHaveLength(20);
    expect((await left()).filter((id) => id > 2000)).toHaveLength(15);
  });

  test('what belongs to a row goes only with it, however big it is', async () => {
    await items.rows('create table child (id integer primary key, item_id integer, at timestamptz)');
    await items.rows('create index on child (item_id)');
    await add(1, 30);
    await items.rows(`insert into child select n, 1011 + n % 20, now() from generate_series(1, 2000) as n`);
    const withChildren = { ...keepThree, with: [softChild({ entity: Child, by: 'itemId' })] };
    const loss = { after: 2, sql: 'delete from item where id = 1002' };
    const batches = await runWhile(loss, makePolicy(expiring(withChildren)), { size: 30, lockFirst: true });
    // The oldest was being emptied when its group lost one; nothing else was touched after that.
    const torn = await items.rows(
      `select item.id from item left join child on child.item_id = item.id
       where item.id between 1011 and 1029 group by item.id having count(child.id) <> 100`,
    );
    expect(torn).toEqual([]);
    expect(await left()).toEqual([1001, ...Array.from({ length: 28 }, (_, n) => 1003 + n)]);
    expect(batches).toBe(3);
    expect(await items.value('select count(*) from child where item_id not in (select id from item)')).toBe(
      0,
    );
  });

  test.each(['by-location', 'by-age'] satisfies Scan[])(
    'a row that joins another group, whose others go, while a delete by %s is under way stays',
    async (scan) => {
      for (const owner of [1, 2]) await add(owner, 20);
      const gate = await closeGate(items, 'item', 1015);
      const keepOne = { olderThan: '10 days', keepLast: { count: 1, per: ['ownerId'] } };
      const running = runEngine(items.url, makePolicy(expiring(keepOne)), { scan, size: 100 });
      await gate.reached();
      await items.rows(`
        begin;
        update item set owner_id = 2 where id = 1018;
        delete from item where owner_id = 2 and id <> 1018;
        commit`);
      await gate.open();
      await running;
      expect(await left()).toEqual([1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1018]);
    },
  );

  test('one of the newest that was touched and still matches counts as before', async () => {
    await add(1, 30);
    await items.rows(`update item set at = at - interval '50 days'`);
    const touch = { after: 2, sql: 'update item set ended_at = now() where id in (1001, 1003)' };
    const batches = await runWhile(touch, makePolicy(expiring(keepThree)), { size: 5 });
    expect(batches).toBeGreaterThan(4);
    expect(await left()).toEqual([1001, 1002, 1003]);
  });

  test.each(['by-location', 'by-age'] satisfies Scan[])('many of a group, by %s', async (scan) => {
    await add(1, 400);
    await add(2, 140);
    const policy = makePolicy(expiring({ olderThan: '10 days', keepLast: { count: 150, per: ['ownerId'] } }));
    await runAsPreviewed(items.url, policy, { scan, size: 60 });
    const kept = await left();
    expect(kept.filter((id) => id < 2000)).toEqual(Array.from({ length: 150 }, (_, n) => 1001 + n));
    expect(kept.filter((id) => id > 2000)).toHaveLength(140);
  });

  test('a rewrite of the table, which moves all rows, changes nothing', async () => {
    for (const owner of [1, 2]) await add(owner, 30);
    await items.rows(`update item set at = at - interval '50 days'`);
    const rewrite = { after: 2, sql: 'vacuum full item' };
    const batches = await runWhile(rewrite, makePolicy(expiring(keepThree)), { size: 5 });
    expect(batches).toBeGreaterThan(4);
    expect(await left()).toEqual([1001, 1002, 1003, 2001, 2002, 2003]);
  });

  describe('and lie together at the end of the table', () => {
    const OWNERS = 40;
    const OLD = 12_000;
    const KEEP = 30;
    const pass = { olderThan: '10 days', keepLast: { count: KEEP, per: ['ownerId'] } };

    beforeEach(async () => {
      await items.rows(`insert into owner select n, 'o' from generate_series(6, $1::int) as n`, [OWNERS]);
      await items.rows(
        `insert into item (id, owner_id, state, at)
         select n, 1 + n % $1::int, 'done', now() - ($2::int - n) * interval '1 minute' - interval '20 days'
         from generate_series(1, $2::int) as n`,
        [OWNERS, OLD],
      );
    });

    const ofOwner = async (owner: number): Promise<number> =>
      items.value(`select count(*) from item where owner_id = ${owner}`);
    const newest = async (owner: number): Promise<unknown> =>
      items.value(`select count(*) from item where owner_id = ${owner} and id > ${OLD - OWNERS * KEEP}`);

    test.each(['by-location', 'by-age'] satisfies Scan[])(
      'by %s, seen for all groups at once',
      async (scan) => {
        await runEngine(items.url, makePolicy(expiring(pass)), {
          scan,
          size: 1500,
        });
        expect(await left()).toEqual(
          Array.from({ length: OWNERS * KEEP }, (_, n) => OLD - OWNERS * KEEP + n + 1),
        );
        expect(await items.value('select count(*) from vacuum.kept')).toBe(0);
      },
    );

    test.each([
      ['goes', 'delete from item where id = $1', KEEP - 1],
      ['joins another group', 'update item set owner_id = 2 where id = $1', KEEP - 1],
      ['is written anew as it was', 'update item set state = state where id = $1', KEEP],
    ])('until one of them %s', async (_, change, still) => {
      const lost = OLD - 33;
      const owner = 1 + (lost % OWNERS);
      let before = 0;
      await runEngine(items.url, makePolicy(expiring(pass)), {
        scan: 'by-location',
        size: 1500,
        afterBatch: async () => {
          if (before > 0) return;
          await items.rows(change, [lost]);
          before = await ofOwner(owner);
        },
      });
      expect(await newest(owner)).toBe(still);
      // Nothing more of its group went, unless it is still one of it.
      expect(await ofOwner(owner)).toBe(still === KEEP ? KEEP : before);
      for (const other of [1, 3, 39]) expect(await newest(other)).toBe(KEEP);
      expect(await ofOwner(1)).toBe(KEEP);
    });

    test('and a row that changed meanwhile is judged with its group', async () => {
      // Groups that were never full get old rows, on pages of their own, which the walk meets soon: none may go.
      const late = `
        insert into owner select n, 'late' from generate_series(101, 200) as n;
        insert into item
        select n, 101 + n % 100, 'done', now() - interval '26 days' from generate_series(20001, 28000) as n`;
      await runWhile({ after: 1, sql: late }, makePolicy(expiring(pass)), { size: 1500 });
      expect(await items.value('select count(*) from item where owner_id > 100')).toBe(8000);
      for (const owner of [1, 20, 40]) expect(await ofOwner(owner)).toBe(KEEP);
    });
  });

  test('never fewer than so many are left while others insert', async () => {
    for (const owner of [1, 2, 3, 4]) await add(owner, 200);
    let id = 100_000;
    const inserting: EngineOptions = {
      size: 20,
      afterBatch: async () => {
        id += 1;
        // Old ones and new ones arrive; some of the newest are deleted by others.
        await items.rows(
          `insert into item values ($1, 1 + $1 % 4, 'done', now() - ($1 % 50) * interval '1 day')`,
          [id],
        );
        const fewest = await items.value(
          'select min(n) from (select count(*) as n from item group by owner_id) as g',
        );
        expect(fewest).toBeGreaterThanOrEqual(3);
      },
    };
    await runEngine(items.url, makePolicy(expiring(keepThree)), inserting);
    const groups = await items.rows<{ n: number; old: number }>(
      `select count(*) as n, count(*) filter (where id < 100000 and at < now() - interval '10 days') as old
       from item group by owner_id`,
    );
    expect(groups.every(({ n, old }) => n >= 3 && old === 0)).toBe(true);
  });

  test.each(['by-location', 'by-age'] satisfies Scan[])(
    'sessions that insert, delete and move rows at the same time as deletes by %s: no group has fewer by our doing',
    async (scan) => {
      const others = new Others(items, 10);
      await others.prepare();
      for (const owner of [...others.calm, ...others.robbed]) await add(owner, 100);
      await items.rows(`update item set at = at - interval '50 days'`);
      let working: Promise<void> | undefined;
      const policy = makePolicy(expiring({ ...keepThree, where: { state: 'done' } }));
      await runEngine(items.url, policy, {
        scan,
        size: 20,
        // What is to be kept is written down by then.
        afterBatch: async () => {
          working ??= others.work();
        },
      });
      others.end();
      await working;
      expect(others.looks).toBeGreaterThan(10);
      expect(others.fewest).toBeGreaterThanOrEqual(3);
      // No batch that began after a group had lost one of its newest took anything of it, and some had rows to take.
      const late = 'select count(*)::int from taken join robbed using (owner_id) where began > since';
      expect(await items.value(late)).toBe(0);
      const spared = await items.value(
        `select count(distinct owner_id) from robbed join item using (owner_id)
         where state = 'done' and id between owner_id * 1000 + 4 and owner_id * 1000 + 100`,
      );
      expect(spared).toBeGreaterThan(0);
      // Of the others all went but the newest, and all that are young stay.
      const ofCalm = others.calm.flatMap((owner) => [1, 2, 3].map((day) => owner * 1000 + day));
      expect((await left()).filter((id) => id < 1000 * (others.calm.length + 1))).toEqual(ofCalm);
      expect(
        await items.value(
          "select count(*)::int from item where id > 100000 and at > now() - interval '1 day'",
        ),
      ).toBe(others.young);
    },
  );
});
