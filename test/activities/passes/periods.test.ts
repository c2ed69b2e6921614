import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { explainRow } from '../../../activities/inspect/explain.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteUnreferenced } from '../../../policy/delete-unreferenced.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';

// A foreign key with a period (PostgreSQL 18) references rows whose period overlaps, not the one that is equal. SQLite has none.

const Price = defineEntity({
  name: 'Price',
  properties: { id: p.integer().primary(), nr: p.integer(), at: p.datetime() },
});

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('template0');
  // Prices 1 to 3 follow each other; an order needs the end of 1 and the begin of 2. Price 4 is of another article.
  await database.rows(`
    create extension btree_gist;
    create table price (
      id integer primary key, article integer, valid daterange, nr integer,
      at timestamptz not null default now() - interval '9 days', unique (article, valid without overlaps));
    create table sale (
      article integer, valid daterange, foreign key (article, period valid) references price (article, period valid));
    insert into price (id, article, valid) values
      (1, 7, '[2026-01-01,2026-02-01)'), (2, 7, '[2026-02-01,2026-03-01)'), (3, 7, '[2026-03-01,2026-04-01)'),
      (4, 8, '[2026-01-01,2026-02-01)');
    insert into sale values (7, '[2026-01-20,2026-02-10)')`);
});
afterEach(async () => database.drop());

test.each<[string, Pass, number]>([
  ['expired rows', expireRows({ name: 'old', entity: Price, age: 'at', olderThan: '1 day' }), 2],
  ['unreferenced rows', deleteUnreferenced({ name: 'old', entity: Price, age: 'at' }), 0],
])('%s: those whose period a row needs stay, as the preview and explain say', async (_, pass, blocked) => {
  const policy = definePolicy({
    name: 'p',
    enabled: true,
    entities: [Price],
    limits: { maxPercent: 100 },
    passes: [pass],
  });
  const opened = await openDatabase(database.url);
  const { passes } = await previewPolicy(opened, policy, ['old']);
  const explained = await explainRow(opened, policy, 'Price', '2');
  await opened.close();
  expect(explained.passes[0]?.goes).toBe(false);
  const report = await runEngine(database.url, policy);
  for (const counted of [passes[0], report.passes[0]])
    expect(counted).toMatchObject({ deleted: { price: 2 }, blocked });
  expect(await database.rows('select id from price order by id')).toEqual([{ id: 1 }, { id: 2 }]);
});
