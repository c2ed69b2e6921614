import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/sqlite';

import { expireRows } from '../../../../policy/expire-rows.ts';
import type { AnyEntity } from '../../../../policy/pass-options.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';
import { runAsPreviewed } from '../../../support/truth.ts';

// An application may attach other files, with tables of the same names. The vacuum has connections of its own to one file.

const properties = { id: p.integer().primary(), closedAt: p.datetime() };
const Invoice = defineEntity({ name: 'Invoice', tableName: 'invoice', properties });
const Archived = defineEntity({ name: 'Archived', tableName: 'invoice', schema: 'archive', properties });
const Named = defineEntity({ name: 'Named', tableName: 'invoice', schema: 'main', properties });
const Flag = defineEntity({
  name: 'Flag',
  tableName: 'flag',
  schema: 'archive',
  properties: { id: p.integer().primary(), name: p.string() },
});
const Flagged = defineEntity({
  name: 'Flagged',
  tableName: 'invoice',
  properties: { ...properties, flag: () => p.manyToOne(Flag).nullable() },
});

let main: TestFile;
let archive: TestFile;
let orm: MikroORM;

beforeEach(() => {
  // In the one file the even ones are old, in the other the odd ones.
  const fill = (old: number): string => `
    create table invoice (id integer primary key, closed_at datetime not null, flag_id integer);
    create table flag (id integer primary key, name text);
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 10)
    insert into invoice select i, unixepoch() * 1000 - iif(i % 2 = ${old}, 9, 0) * 86400000, i from n;`;
  main = createFile(fill(0));
  archive = createFile(`${fill(1)} insert into flag select id, 'x' from invoice`);
  orm = new MikroORM({
    dbName: main.path,
    entities: [Invoice],
    attachDatabases: [{ name: 'archive', path: archive.path }],
    discovery: { warnWhenNoEntities: false },
  });
});
afterEach(async () => {
  await orm.close(true);
  main.drop();
  archive.drop();
});

function makePolicy(entity: AnyEntity, options: object = {}): Policy {
  const pass = expireRows({ name: 'old', entity, age: 'closedAt', olderThan: '1 day', ...options });
  return definePolicy({
    name: 'p',
    enabled: true,
    entities: [],
    limits: { maxPercent: 100 },
    passes: [pass],
  });
}

const countBoth = (): number[] => [main, archive].map((file) => file.value('select count(*) from invoice'));

test.each([
  ['an entity without a schema', Invoice],
  ['an entity of schema main', Named],
])('%s means the table of the file itself', async (_, entity) => {
  expect(await runAsPreviewed(orm, makePolicy(entity))).toEqual({ old: { invoice: 5 } });
  expect(countBoth()).toEqual([5, 10]);
  expect(main.value('select count(*) from invoice where id % 2 = 0')).toBe(0);
});

test.each([
  ['an entity of the attached file is', Archived, {}],
  ['a filter over a relation to the attached file is', Flagged, { where: { flag: { name: 'x' } } }],
])('%s refused, and nothing of the other is deleted in its place', async (_, entity, options) => {
  for (const source of [orm, main.url]) {
    await expect(runAsPreviewed(source, makePolicy(entity, options))).rejects.toThrow(/nothing was deleted/);
  }
  expect(countBoth()).toEqual([10, 10]);
});
