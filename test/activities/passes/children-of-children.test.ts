import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Match = defineEntity({
  name: 'Match',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Market = defineEntity({
  name: 'Market',
  properties: { id: p.integer().primary(), matchId: p.integer() },
});
const Price = defineEntity({
  name: 'Price',
  properties: { id: p.integer().primary(), marketId: p.integer() },
});
const Tick = defineEntity({
  name: 'Tick',
  properties: { id: p.integer().primary(), priceId: p.integer() },
});

const KEYS = {
  'without foreign keys': ['', '', ''],
  'where foreign keys restrict all the way': [
    'references match on delete restrict',
    'references market on delete restrict',
    'references price',
  ],
  'where only the deepest restricts': ['', '', 'references price on delete restrict'],
  'where the first restricts': ['references match', '', ''],
};

describe('soft children of soft children', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
  });
  afterEach(async () => database.drop());

  const ticks = softChild({ entity: Tick, by: 'priceId' });
  const prices = softChild({ entity: Price, by: 'marketId', with: [ticks] });
  const policy: Policy = definePolicy({
    name: 'p',
    enabled: true,
    entities: [Match, Market, Price, Tick],
    passes: [
      expireRows({
        name: 'old',
        entity: Match,
        age: 'at',
        olderThan: '10 days',
        with: [softChild({ entity: Market, by: 'matchId', with: [prices] })],
      }),
    ],
  });

  /** Twenty matches, of which the first twelve are old, with two markets of three prices of four ticks each. */
  async function fill([market = '', price = '', tick = '']: readonly string[]): Promise<void> {
    await database.rows(`
      create table match (id integer primary key, at timestamptz);
      create table market (id integer primary key, match_id integer ${market});
      create table price (id integer primary key, market_id integer ${price});
      create table tick (id integer primary key, price_id integer ${tick});
      create index on market (match_id); create index on price (market_id); create index on tick (price_id);
      insert into match
        select n, now() - case when n <= 12 then interval '11 days' else interval '9 days' end
        from generate_series(1, 20) as n;
      insert into market select n, 1 + (n - 1) / 2 from generate_series(1, 40) as n;
      insert into price select n, 1 + (n - 1) / 3 from generate_series(1, 120) as n;
      insert into tick select n, 1 + (n - 1) / 4 from generate_series(1, 480) as n`);
  }

  test.each(Object.entries(KEYS))('%s, in batches, and row by row where one is big', async (_, keys) => {
    await fill(keys);
    // Five rows a batch: each match has more than that, and is emptied first.
    const deleted = await runAsPreviewed(database.url, policy, { lockFirst: true, size: 5 });
    expect(deleted).toEqual({ old: { match: 12, market: 24, price: 72, tick: 288 } });
    await expectOthers();
    expect(await database.value('select max(rows) from vacuum.batch')).toBeLessThanOrEqual(34);
  });

  test.each(Object.entries(KEYS))('%s, together', async (_, keys) => {
    await fill(keys);
    await runAsPreviewed(database.url, policy);
    await expectOthers();
  });

  async function expectOthers(): Promise<void> {
    const left = await database.rows(`
      select
        (select count(*) from match) as match, (select count(*) from market) as market,
        (select count(*) from price) as price, (select count(*) from tick) as tick,
        (select min(id) from tick) as first`);
    expect(left).toEqual([{ match: 8, market: 16, price: 48, tick: 192, first: 289 }]);
  }
});
