import { afterEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { deleteOrphans } from '../../../policy/delete-orphans.ts';
import { epoch } from '../../../policy/epoch.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Doc = defineEntity({
  name: 'Doc',
  tableName: 'doc',
  properties: {
    id: p.integer().primary(),
    made: p.datetime(),
    closed: p.datetime().nullable(),
    ended: p.datetime().nullable(),
    endedMs: p.bigint().nullable(),
  },
});
const Page = defineEntity({
  name: 'Page',
  tableName: 'page',
  properties: { id: p.integer().primary(), docId: p.integer(), made: p.datetime() },
});

const WAYS: EngineOptions[] = [
  {},
  { size: 2 },
  { scan: 'by-location', size: 2 },
  { scan: 'by-age', size: 2 },
  { lockFirst: true, size: 3 },
];

describe.each(DIALECTS)('columns that %s computes', (name, open) => {
  let database: EitherDatabase;
  afterEach(async () => database.drop());

  /** Ten documents, of which the even ones are closed: those by 6 are old by the computed age, all are by the other. */
  async function fill(kind: 'stored' | 'virtual'): Promise<void> {
    const moment = name === 'SQLite' ? 'datetime' : 'timestamp';
    const millis = name === 'SQLite' ? 'unixepoch(closed) * 1000' : 'extract(epoch from closed) * 1000';
    const rows = Array.from({ length: 10 }, (_, at) => {
      const id = at + 1;
      const closed = id % 2 === 1 ? 'null' : daysAgo(id <= 6 ? 9 : 0.5).replace('+00:00', '');
      return `(${id}, ${daysAgo(30).replace('+00:00', '')}, ${closed}, ${id})`;
    });
    database = await open(`
      create table doc (
        id integer primary key, made ${moment} not null, closed ${moment}, half integer not null,
        ended ${moment} generated always as (closed) ${kind},
        ended_ms bigint generated always as (${millis}) ${kind},
        code integer generated always as (half * 2 + 1) ${kind});
      create table page (id integer primary key, doc_code integer not null, made ${moment} not null,
        doc_id integer generated always as ((doc_code - 1) / 2) ${kind});
      insert into doc (id, made, closed, half) values ${rows.join(', ')};
      insert into page (id, doc_code, made) select id, code, made from doc;
      insert into page (id, doc_code, made) select 100 + id, code, made from doc`);
  }

  const run = async (pass: Pass, options: EngineOptions): Promise<unknown> => {
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Doc, Page],
      limits: { maxPercent: 100 },
      passes: [pass],
    });
    return (await runAsPreviewed(database.url, policy, options))[pass.name];
  };
  const expiring = (options: object = {}): Pass =>
    expireRows({ name: 'old', entity: Doc, age: 'ended', olderThan: '1 day', ...options } as never);

  describe.each(['stored', 'virtual'] as const)('and that are %s', (kind) => {
    test.each(WAYS)('as an age: %j', async (options) => {
      await fill(kind);
      if (kind === 'stored' || name === 'SQLite')
        await database.execute('create index doc_ended on doc (ended)');
      expect(await run(expiring(), options)).toEqual({ doc: 3 });
      expect(await database.ids('doc')).toEqual([1, 3, 5, 7, 8, 9, 10]);
    });

    test('as an age in milliseconds', async () => {
      await fill(kind);
      expect(await run(expiring({ age: epoch('endedMs', 'ms') }), { size: 2 })).toEqual({ doc: 3 });
      expect(await database.ids('doc')).toEqual([1, 3, 5, 7, 8, 9, 10]);
    });

    test('as what orphans name', async () => {
      await fill(kind);
      await database.execute('delete from doc where id in (2, 3)');
      const lost = deleteOrphans({ name: 'lost', entity: Page, by: 'docId', parent: Doc, age: 'made' });
      expect(await run(lost, {})).toEqual({ page: 4 });
      expect(await database.rows('select id from page where doc_code in (5, 7)')).toEqual([]);
    });
  });

  test('as what soft children name a row by', async () => {
    await fill('stored');
    const Part = defineEntity({
      name: 'Part',
      tableName: 'part',
      properties: { id: p.integer().primary(), docId: p.integer() },
    });
    await database.execute(`
      create table part (id integer primary key, text integer, doc_id integer generated always as (text / 10) stored);
      insert into part (id, text) select id, id * 10 + 3 from doc;
      insert into part (id, text) select 100 + id, id * 10 + 4 from doc`);
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Doc, Part],
      limits: { maxPercent: 100 },
      passes: [expiring({ with: [softChild({ entity: Part, by: 'docId' })] })],
    });
    const { passes } = await runEngine(database.url, policy, { size: 3 });
    expect(passes[0]?.deleted).toEqual({ doc: 3, part: 6 });
    expect(await database.ids('part')).toEqual(
      [0, 100].flatMap((more) => [1, 3, 5, 7, 8, 9, 10].map((id) => more + id)),
    );
  });

  test('as both ends of a foreign key that cascades', async () => {
    await fill('stored');
    await database.execute(`
      create unique index doc_code on doc (code);
      create table sheet (id integer primary key, half integer,
        doc_code integer generated always as (half * 2 + 1) stored references doc (code) on delete cascade);
      insert into sheet (id, half) select id, half from doc`);
    expect(await run(expiring(), { lockFirst: true, size: 1 })).toEqual({ doc: 3, sheet: 3 });
    expect(await database.ids('sheet')).toEqual([1, 3, 5, 7, 8, 9, 10]);
  });
});
