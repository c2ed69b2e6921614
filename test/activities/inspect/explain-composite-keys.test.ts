import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { explainRow } from '../../../activities/inspect/explain.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';

const Tag = defineEntity({
  name: 'Tag',
  properties: { orderId: p.integer().primary(), tag: p.string().primary(), at: p.datetime() },
});
const policy = definePolicy({
  name: 'p',
  enabled: true,
  entities: [Tag],
  passes: [expireRows({ name: 'old', entity: Tag, age: 'at', olderThan: '10 days' })],
});
const schema = (): string => `
  create table tag (order_id integer, tag varchar(20), at timestamp not null, primary key (order_id, tag));
  insert into tag values (7, 'rush', ${daysAgo(20)}), (7, 'a,tag=b', ${daysAgo(20)}), (7, 'new', ${daysAgo(1)})`;

describe.each(DIALECTS)('explain of a key of several columns: %s', (_, open) => {
  let file: EitherDatabase;
  let database: Database;
  beforeEach(async () => {
    file = await open(schema());
    database = await openDatabase(file.url);
  });
  afterEach(async () => {
    await database.close();
    await file.drop();
  });

  test.each([
    ['by properties', 'orderId=7,tag=rush', 'old'],
    ['by columns, in any order', 'tag=rush,order_id=7', 'old'],
    ['as JSON', '{"orderId": 7, "tag": "a,tag=b"}', 'old'],
    ['of a row that stays', 'orderId=7,tag=new', null],
  ])('%s', async (_name, key, goesBy) => {
    expect(await explainRow(database, policy, 'Tag', key)).toMatchObject({ found: true, key, goesBy });
  });

  test('a row that is not there', async () => {
    expect(await explainRow(database, policy, 'Tag', 'orderId=8,tag=rush')).toMatchObject({
      found: false,
      goesBy: null,
      passes: [],
    });
  });

  test.each([
    '7',
    'orderId=7',
    'orderId=7,orderId=7',
    'orderId=7,tag=rush,tag=new',
    '{"orderId": 7}',
    '{',
    '',
  ])('a key that does not name each column once is told: %s', async (key) => {
    await expect(explainRow(database, policy, 'Tag', key)).rejects.toThrow(
      `${JSON.stringify(key)} does not name each of the 2 columns of the primary key once. Write it as 'orderId=...,tag=...'`,
    );
  });
});
