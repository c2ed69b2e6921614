import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { addHold } from '../../../activities/inspect/add-hold.ts';
import { explainRow } from '../../../activities/inspect/explain.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import type { SoftChild } from '../../../policy/expire-rows.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { parentAge } from '../../../policy/parent-age.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Blob = defineEntity({
  name: 'Blob',
  properties: {
    tenant: p.integer().primary(),
    hash: p.string().primary(),
    id: p.integer(),
    at: p.datetime(),
  },
});
const Other = defineEntity({
  name: 'Other',
  properties: { tenant: p.integer().primary(), hash: p.string().primary() },
});
const Page = defineEntity({
  name: 'Page',
  properties: {
    id: p.integer().primary(),
    blob: () => p.manyToOne(Blob).joinColumns('tenant', 'blob_hash').nullable(),
    other: () => p.manyToOne(Other).joinColumns('tenant', 'other_hash').nullable(),
    draft: p.boolean(),
  },
});

const Stamp = defineEntity({
  name: 'Stamp',
  properties: { id: p.integer().primary(), pageId: p.integer() },
});

/** Pages have no foreign key. Blob 1 is named; 2 and 3 differ from it in one column; 4 is named by a null in part; 5 by a draft. */
const SCHEMA = `
  create table blob (
    tenant integer not null, hash varchar(20) not null, id integer not null, at timestamp with time zone not null,
    primary key (tenant, hash)
  );
  create table other (tenant integer not null, hash varchar(20) not null, primary key (tenant, hash));
  create table page (
    id integer primary key, tenant integer, blob_hash varchar(20), other_hash varchar(20), draft boolean not null
  );
  create index page_blob on page (tenant, blob_hash);
  insert into blob values
    (1, 'a', 1, ${daysAgo(3)}), (2, 'a', 2, ${daysAgo(3)}), (1, 'b', 3, ${daysAgo(3)}), (3, 'c', 4, ${daysAgo(3)}),
    (4, 'd', 5, ${daysAgo(3)}), (5, 'e', 6, ${daysAgo(1.9)}), (6, 'f', 7, ${daysAgo(2.1)});
  insert into page values
    (1, 1, 'a', null, false), (2, 2, 'b', null, false), (3, null, 'c', null, false), (4, 3, null, null, false),
    (5, 4, 'd', null, true);`;

function makePolicy(pass: Pass): Policy {
  return definePolicy({ name: 'p', enabled: true, entities: [Blob, Other, Page, Stamp], passes: [pass] });
}

function unused(reference: ReturnType<typeof softReference>): Policy {
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [Blob, Other, Page],
    passes: [
      deleteUnreferenced({
        name: 'unused',
        entity: Blob,
        age: 'at',
        grace: '2 days',
        references: [reference],
      }),
    ],
    limits: { maxPercent: 100 },
  });
}

describe.each(DIALECTS)('a soft reference of several columns, on %s', (_, open) => {
  let source: EitherDatabase;
  beforeEach(async () => {
    source = await open(SCHEMA);
  });
  afterEach(async () => source.drop());

  test.each([{}, { size: 1 }, { lockFirst: true }])('keeps what a whole key names: %j', async (options) => {
    await runAsPreviewed(source.url, unused(softReference({ entity: Page, by: 'blob' })), options);
    expect(await source.ids('blob')).toEqual([1, 5, 6]);
  });

  test('counts the rows that its where means', async () => {
    await runAsPreviewed(
      source.url,
      unused(softReference({ entity: Page, by: 'blob', where: { draft: false } })),
    );
    expect(await source.ids('blob')).toEqual([1, 6]);
  });

  test('explain says which row it keeps', async () => {
    const database = await openDatabase(source.url);
    const told = [];
    for (const key of ['tenant=1,hash=a', 'tenant=2,hash=a', 'tenant=1,hash=b', 'tenant=5,hash=e']) {
      const policy = unused(softReference({ entity: Page, by: 'blob' }));
      const { goesBy, passes } = await explainRow(database, policy, 'Blob', key);
      told.push(goesBy ?? passes[0]?.reasons.map(({ why }) => why));
    }
    await database.close();
    expect(told).toEqual([['referenced'], 'unused', 'unused', ['too-young']]);
  });

  test('is refused by name where rows are named by one column', async () => {
    const age = parentAge({ parent: Blob, by: 'blob', age: 'at' });
    const pass = expireRows({ name: 'old', entity: Page, age, olderThan: '2 days' });
    await expect(runAsPreviewed(source.url, makePolicy(pass))).rejects.toThrow(
      /by names Page\.blob, a relation of several columns, and rows are named by one column here/,
    );
  });

  describe('of soft children', () => {
    const stamps = softChild({ entity: Stamp, by: 'pageId' });
    const expire = (child: SoftChild): Policy =>
      makePolicy(expireRows({ name: 'old', entity: Blob, age: 'at', olderThan: '2 days', with: [child] }));
    const sizes = [{}, { size: 1 }, { lockFirst: true, size: 2 }];

    beforeEach(async () => {
      await source.execute(`
        create table stamp (id integer primary key, page_id integer);
        insert into page values (6, 5, 'e', null, false);
        insert into stamp select id, id from page;`);
    });

    test.each(sizes)('those with the whole key go, with what belongs to them: %j', async (options) => {
      await runAsPreviewed(
        source.url,
        expire(softChild({ entity: Page, by: 'blob', with: [stamps] })),
        options,
      );
      expect(await source.ids('blob')).toEqual([6]);
      expect(await source.ids('page')).toEqual([2, 3, 4, 6]);
      expect(await source.ids('stamp')).toEqual([2, 3, 4, 6]);
    });

    test('only those that a filter names go', async () => {
      const child = softChild({ entity: Page, by: 'blob', where: { draft: true }, with: [stamps] });
      await runAsPreviewed(source.url, expire(child));
      expect(await source.ids('page')).toEqual([1, 2, 3, 4, 6]);
      expect(await source.ids('stamp')).toEqual([1, 2, 3, 4, 6]);
    });

    test('a hold on what belongs to one keeps all of it', async () => {
      const policy = expire(softChild({ entity: Page, by: 'blob', with: [stamps] }));
      const database = await openDatabase(source.url);
      await database.ledger.migrate();
      const request = { entity: 'Stamp', rows: { key: '1' }, reason: 'asked', who: 'me', until: null };
      await addHold(database, policy, request);
      await database.close();
      await runAsPreviewed(source.url, policy);
      expect(await source.ids('blob')).toEqual([1, 6]);
      expect(await source.ids('page')).toEqual([1, 2, 3, 4, 6]);
    });

    test.each(['no action', 'restrict'])(
      'a foreign key with on delete %s forbids nothing',
      async (action) => {
        await source.execute(`
        drop table page;
        create table page (
          id integer primary key, tenant integer, blob_hash varchar(20), other_hash varchar(20), draft boolean not null,
          foreign key (tenant, blob_hash) references blob (tenant, hash) on delete ${action}
        );
        create index page_blob on page (tenant, blob_hash);
        insert into page values (1, 1, 'a', null, false), (2, 2, null, null, false), (6, 5, 'e', null, false);`);
        await runAsPreviewed(source.url, expire(softChild({ entity: Page, by: 'blob', with: [stamps] })));
        expect(await source.ids('blob')).toEqual([6]);
        expect(await source.ids('page')).toEqual([2, 6]);
      },
    );
  });

  test('is refused if it leads elsewhere, is compared as text, or names another key than the database has', async () => {
    const refused: [ReturnType<typeof softReference>, RegExp][] = [
      [softReference({ entity: Page, by: 'other' }), /Page\.other, a relation of several columns to Other/],
      [softReference({ entity: Page, by: 'blob', as: 'text' }), /cannot be compared as text/],
    ];
    for (const [reference, message] of refused) {
      await expect(runAsPreviewed(source.url, unused(reference))).rejects.toThrow(message);
    }
    await source.execute('drop table blob');
    await source.execute(
      `create table blob (tenant integer, hash varchar(20), id integer, at timestamp with time zone not null, primary key (tenant, hash, id))`,
    );
    const blob = softReference({ entity: Page, by: 'blob' });
    await expect(runAsPreviewed(source.url, unused(blob))).rejects.toThrow(/not the primary key of Blob/);
    await source.execute('drop table blob');
    await source.execute(
      `create table blob (tenant text, hash varchar(20), id integer, at timestamp with time zone not null, primary key (tenant, hash))`,
    );
    await expect(runAsPreviewed(source.url, unused(blob))).rejects.toThrow(/has another type than the key/);
    expect(await source.rows('select * from page')).toHaveLength(5);
  });
});
