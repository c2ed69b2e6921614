import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';

const Root = defineEntity({
  name: 'Root',
  properties: { id: p.integer().primary(), at: p.datetime(), parentId: p.integer().nullable() },
});
const Leaf = defineEntity({
  name: 'Leaf',
  properties: { id: p.integer().primary(), rootId: p.integer().nullable(), at: p.datetime() },
});

// Shapes of foreign keys in which rows are reached in more ways than one.
describe('a preview counts what the run then deletes', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createDatabase('template0');
  });
  afterEach(async () => database.drop());

  const old = expireRows({ name: 'old', entity: Root, age: 'at', olderThan: '1 day' });

  async function expectTruth(passes: Pass[], deleted: object[]): Promise<void> {
    const policy = definePolicy({ name: 'p', enabled: true, entities: [Root, Leaf], passes });
    const opened = await openDatabase(database.url);
    const names = passes.map((pass) => pass.name);
    const preview = await previewPolicy(opened, policy, names);
    await opened.close();
    expect(preview.passes.map((pass) => pass.deleted)).toEqual(deleted);
    const report = await runEngine(database.url, policy);
    expect(report.passes.map((pass) => pass.deleted)).toEqual(deleted);
  }

  test('a tree of rows of one table, with children at every level', async () => {
    await database.rows(`
      create table root (id integer primary key, at timestamptz, parent_id integer references root on delete cascade);
      create table file (id integer primary key, root_id integer references root on delete cascade);
      insert into root values (1, now() - interval '1 year', null), (2, now(), 1), (3, now(), 2), (4, now(), null);
      insert into file select n, n from generate_series(1, 4) as n`);
    await expectTruth([old], [{ root: 3, file: 3 }]);
  });

  test('a diamond', async () => {
    await database.rows(`
      create table root (id integer primary key, at timestamptz, parent_id integer);
      create table a (id integer primary key, root_id integer references root on delete cascade);
      create table b (id integer primary key, root_id integer references root on delete cascade);
      create table c (
        id integer primary key,
        a_id integer references a on delete cascade, b_id integer references b on delete cascade);
      create table e (id integer primary key, c_id integer references c on delete cascade);
      insert into root values (1, now() - interval '1 year'), (2, now());
      insert into a values (1, 1), (2, 2);
      insert into b values (1, 1), (2, 2);
      insert into c values (1, 1, 2), (2, 2, 1), (3, 1, 1), (4, 2, 2);
      insert into e select n, n from generate_series(1, 4) as n`);
    await expectTruth([old], [{ root: 1, a: 1, b: 1, c: 3, e: 3 }]);
  });

  test('a cycle of two tables', async () => {
    await database.rows(`
      create table root (id integer primary key, at timestamptz, parent_id integer);
      create table b (id integer primary key, root_id integer references root on delete cascade);
      alter table root add foreign key (parent_id) references b on delete cascade;
      insert into root values (1, now() - interval '1 year', null);
      insert into b values (1, 1);
      insert into root values (2, now(), 1);
      insert into b values (2, 2);
      insert into root values (3, now(), 2), (4, now(), null)`);
    await expectTruth([old], [{ root: 3, b: 2 }]);
  });

  test('children in partitions', async () => {
    await database.rows(`
      create table root (id integer primary key, at timestamptz, parent_id integer);
      create table part (id integer, root_id integer references root on delete cascade) partition by hash (id);
      create table part_0 partition of part for values with (modulus 2, remainder 0);
      create table part_1 partition of part for values with (modulus 2, remainder 1);
      insert into root select n, now() - interval '1 year' from generate_series(1, 10) as n;
      insert into part select n, n from generate_series(1, 10) as n`);
    const rows = await database.rows<{ label: string; count: number }>(
      'select tableoid::regclass::text as label, count(*) from part group by 1',
    );
    await expectTruth(
      [old],
      [{ root: 10, ...Object.fromEntries(rows.map(({ label, count }) => [label, count])) }],
    );
  });

  test('rows that an earlier pass unlinks from their parent are no orphans', async () => {
    await database.rows(`
      create table root (id integer primary key, at timestamptz, parent_id integer);
      create table leaf (id integer primary key, root_id integer references root on delete set null, at timestamptz);
      insert into root select n, now() - interval '1 year' from generate_series(1, 5) as n;
      insert into leaf select n, n, now() - interval '1 year' from generate_series(1, 5) as n`);
    const lost = deleteOrphans({ name: 'lost', entity: Leaf, by: 'rootId', parent: Root, age: 'at' });
    await expectTruth([old, lost], [{ root: 5 }, {}]);
  });

  test('rows that an earlier pass unlinks match a condition on what is unlinked', async () => {
    await database.rows(`
      create table root (id integer primary key, at timestamptz, parent_id integer);
      create table leaf (id integer primary key, root_id integer references root on delete set null, at timestamptz);
      insert into root select n, now() - interval '1 year' from generate_series(1, 5) as n;
      insert into leaf select n, n, now() - interval '1 year' from generate_series(1, 5) as n;
      insert into leaf values (6, null, now() - interval '1 year')`);
    const loose = expireRows({
      name: 'loose',
      entity: Leaf,
      age: 'at',
      olderThan: '1 day',
      where: { rootId: null },
    });
    await expectTruth([old, loose], [{ root: 5 }, { leaf: 6 }]);
  });

  test('rows that an earlier pass frees from what they are nested in', async () => {
    await database.rows(`
      create table root (id integer primary key, at timestamptz, parent_id integer references root on delete set null);
      create index on root (parent_id);
      insert into root values
        (1, now() - interval '1 year', null), (2, now() - interval '5 days', 1),
        (3, now() - interval '5 days', 2), (4, now() - interval '5 days', null), (5, now(), 4), (6, now(), null)`);
    const nested = { entity: Root, age: 'at', nestedBy: 'parentId' } as const;
    await expectTruth(
      [
        expireRows({ ...nested, name: 'very-old', olderThan: '100 days' }),
        expireRows({ ...nested, name: 'old', olderThan: '1 day' }),
      ],
      [{ root: 1 }, { root: 3 }],
    );
  });
});
