import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Scan } from '../../../activities/stored/scan.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createItems, expiring, makePolicy } from '../../support/items.ts';
import { runAsPreviewed } from '../../support/truth.ts';

describe('retentions of their own for some rows', () => {
  let items: TestDatabase;

  beforeEach(async () => {
    items = await createItems();
    await items.rows('create index on item (at)');
  });
  afterEach(async () => items.drop());

  /** Items of a state a minute older (even ids) and a minute younger (odd ids) than 2, 10, 30 and 400 days. */
  async function add(state: string | null, first: number): Promise<void> {
    await items.rows(
      `insert into item (id, state, at)
       select $2::int + 2 * d + s, $1, now() - d * interval '1 day' + (2 * s - 1) * interval '1 minute'
       from unnest(array[2, 10, 30, 400]) as d, unnest(array[0, 1]) as s`,
      [state, first],
    );
  }

  async function left(): Promise<number[]> {
    return (await items.rows<{ id: number }>('select id from item order by id')).map((row) => row.id);
  }

  test.each(['by-location', 'by-age'] satisfies Scan[])(
    'the first that matches counts, shorter or longer; null keeps for ever; by %s',
    async (scan) => {
      for (const [n, state] of ['short', 'long', 'ever', 'short-too', null].entries()) {
        await add(state, n * 1000);
      }
      const pass = expiring({
        olderThan: '10 days',
        overrides: [
          { where: { state: 'short' }, olderThan: '2 days' },
          { where: { state: 'long' }, olderThan: '30 days' },
          { where: { state: 'ever' }, olderThan: null },
          { where: { state: { $like: 'short%' } }, olderThan: '400 days' },
        ],
      });
      await runAsPreviewed(items.url, makePolicy(pass), { scan, size: 3 });
      expect(await left()).toEqual([
        5, // a minute younger than 2 days
        1004,
        1005,
        1020,
        1021,
        1061, // 30 days
        2004,
        2005,
        2020,
        2021,
        2060,
        2061,
        2800,
        2801, // for ever
        3004,
        3005,
        3020,
        3021,
        3060,
        3061,
        3801, // 400 days
        4004,
        4005,
        4021, // 10 days, as all others
      ]);
    },
  );

  test('null as the retention of all others deletes only what an override names', async () => {
    await add('short', 0);
    await add('other', 1000);
    const overrides = [{ where: { state: 'short' }, olderThan: '10 days' }];
    await runAsPreviewed(items.url, makePolicy(expiring({ olderThan: null, overrides })));
    expect(await left()).toEqual([4, 5, 21, 1004, 1005, 1020, 1021, 1060, 1061, 1800, 1801]);
  });

  test('an override over a relation', async () => {
    await items.rows(`insert into owner values (1, 'vip'), (2, 'plain')`);
    await add('x', 0);
    await items.rows('update item set owner_id = case when id in (20, 60, 61, 800) then 1 else 2 end');
    const overrides = [{ where: { owner: { kind: 'vip' } }, olderThan: '30 days' }];
    await runAsPreviewed(items.url, makePolicy(expiring({ olderThan: '2 days', overrides })));
    expect(await left()).toEqual([5, 20, 61]);
  });

  test('of several ages the first that is not null counts', async () => {
    await add('x', 0);
    await items.rows(`update item set ended_at = now() - interval '1 day' where id in (60, 800)`);
    await items.rows(`update item set ended_at = now() - interval '20 days', at = now() where id in (4, 5)`);
    await items.rows(`update item set at = null where id = 801`);
    const pass = expiring({ age: ['endedAt', 'at'], olderThan: '10 days' });
    await runAsPreviewed(items.url, makePolicy(pass), { size: 2 });
    expect(await left()).toEqual([21, 60, 800, 801]);
  });
});
