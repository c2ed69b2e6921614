import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { Strategy } from '../../../activities/passes/index.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createItems, expiring, policyOf } from '../../support/items.ts';
import { runAsPreviewed } from '../../support/truth.ts';

describe('retentions of their own for some rows', () => {
  let items: TestDatabase;

  beforeEach(async () => {
    items = await createItems();
    await items.rows('create index on item (at)');
  });
  afterEach(async () => items.drop());

  /** Items of a state whose ids are their ages in days, around each boundary. */
  async function add(state: string | null, first: number): Promise<void> {
    await items.rows(
      `insert into item (id, state, at)
       select $2::int + d, $1, now() - d * interval '1 day' - case when d % 2 = 0 then interval '1 minute' else -interval '1 minute' end
       from unnest(array[2, 3, 10, 11, 30, 31, 400, 401]) as d`,
      [state, first],
    );
  }

  async function left(): Promise<number[]> {
    return (await items.rows<{ id: number }>('select id from item order by id')).map((row) => row.id);
  }

  test.each(['page-range', 'keyset'] satisfies Strategy[])(
    'the first that matches counts, shorter or longer; null keeps for ever; by %s',
    async (strategy) => {
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
      await runAsPreviewed(items.url, policyOf(pass), { strategy, size: 3 });
      expect(await left()).toEqual([
        ...[1002, 1003, 1010, 1011],
        ...[2002, 2003, 2010, 2011, 2030, 2031, 2400, 2401],
        ...[3002, 3003, 3010, 3011, 3030, 3031],
        ...[4002, 4003],
      ]);
    },
  );

  test('null as the retention of all others deletes only what an override names', async () => {
    await add('short', 0);
    await add('other', 1000);
    const overrides = [{ where: { state: 'short' }, olderThan: '10 days' }];
    await runAsPreviewed(items.url, policyOf(expiring({ olderThan: null, overrides })));
    expect(await left()).toEqual([2, 3, 1002, 1003, 1010, 1011, 1030, 1031, 1400, 1401]);
  });

  test('an override over a relation', async () => {
    await items.rows(`insert into owner values (1, 'vip'), (2, 'plain')`);
    await add('x', 0);
    await items.rows('update item set owner_id = case when id in (10, 30, 400) then 1 else 2 end');
    const overrides = [{ where: { owner: { kind: 'vip' } }, olderThan: '30 days' }];
    await runAsPreviewed(items.url, policyOf(expiring({ olderThan: '2 days', overrides })));
    expect(await left()).toEqual([10]);
  });

  test('of several ages the first that is not null counts', async () => {
    await add('x', 0);
    await items.rows(`update item set ended_at = now() - interval '1 day' where id in (30, 400)`);
    await items.rows(`update item set ended_at = now() - interval '20 days', at = now() where id in (2, 3)`);
    await items.rows(`update item set at = null where id = 401`);
    const pass = expiring({ age: ['endedAt', 'at'], olderThan: '10 days' });
    await runAsPreviewed(items.url, policyOf(pass), { size: 2 });
    expect(await left()).toEqual([30, 400, 401]);
  });
});
