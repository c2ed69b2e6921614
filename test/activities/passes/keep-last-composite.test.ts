import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { explainRow } from '../../../activities/inspect/explain.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Site = defineEntity({
  name: 'Site',
  properties: { tenant: p.integer().primary(), code: p.string().primary() },
});
const Reading = defineEntity({
  name: 'Reading',
  properties: {
    id: p.integer().primary(),
    site: () => p.manyToOne(Site).joinColumns('tenant', 'site_code').nullable(),
    // It has the tenant in common with the other.
    origin: () => p.manyToOne(Site).joinColumns('tenant', 'origin_code').nullable(),
    at: p.datetime(),
  },
});

/** Sites differ in one column of their key each; of no site are those without any part of it. */
const SCHEMA = `
  create table site (tenant integer not null, code varchar(20) not null, primary key (tenant, code));
  create table reading (
    id integer primary key, tenant integer, site_code varchar(20), origin_code varchar(20),
    at timestamp with time zone not null,
    foreign key (tenant, site_code) references site (tenant, code),
    foreign key (tenant, origin_code) references site (tenant, code)
  );
  insert into site values (1, 'a'), (1, 'b'), (2, 'a');
  insert into reading values
    (1, 1, 'a', 'a', ${daysAgo(200)}), (2, 1, 'a', 'b', ${daysAgo(100)}),
    (3, 1, 'b', 'a', ${daysAgo(200)}), (4, 1, 'b', 'a', ${daysAgo(100)}),
    (5, 2, 'a', 'a', ${daysAgo(200)}), (6, 2, 'a', 'a', ${daysAgo(100)}),
    (7, null, null, null, ${daysAgo(200)}), (8, null, null, null, ${daysAgo(100)}),
    (9, 1, null, null, ${daysAgo(300)}), (10, 1, 'a', 'a', ${daysAgo(91)}), (11, 1, 'a', 'a', ${daysAgo(89)});`;

function keeping(...per: ('site' | 'origin')[]): ReturnType<typeof definePolicy> {
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [Reading, Site],
    passes: [
      expireRows({
        name: 'old',
        entity: Reading,
        age: 'at',
        olderThan: '90 days',
        keepLast: { count: 1, per },
      }),
    ],
    limits: { maxPercent: 100 },
  });
}

describe.each(DIALECTS)('the newest of each group by a relation of several columns, on %s', (_, open) => {
  let source: EitherDatabase;

  beforeEach(async () => {
    source = await open(SCHEMA);
  });
  afterEach(async () => source.drop());

  test.each([{}, { size: 1 }, { lockFirst: true }])('stay, whole keys apart: %j', async (options) => {
    await runAsPreviewed(source.url, keeping('site'), options);
    expect(await source.ids('reading')).toEqual([4, 6, 8, 9, 11]);
  });

  test('by two relations that have a column in common', async () => {
    await runAsPreviewed(source.url, keeping('site', 'origin'));
    expect(await source.ids('reading')).toEqual([2, 4, 6, 8, 9, 11]);
  });

  test('explain says which row the protection keeps', async () => {
    const database = await openDatabase(source.url);
    const told = [];
    for (const id of ['3', '4', '10', '11']) {
      const { goesBy, passes } = await explainRow(database, keeping('site'), 'Reading', id);
      told.push(goesBy ?? passes[0]?.reasons.map(({ why }) => why));
    }
    await database.close();
    expect(told).toEqual(['old', ['kept-newest'], 'old', ['too-young', 'kept-newest']]);
  });

  test('a relation whose columns the table lacks is refused by name', async () => {
    await source.execute('alter table reading rename column origin_code to source_code');
    await expect(runAsPreviewed(source.url, keeping('origin'))).rejects.toThrow(
      /property Reading\.origin has no column in this database/,
    );
  });
});
