import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { repointLatest } from '../../../policy/repoint-latest.ts';
import { createDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { runEngine } from '../../support/engine.ts';

const Version = defineEntity({
  name: 'Version',
  tableName: 'version',
  properties: {
    id: p.integer().primary(),
    docId: p.integer(),
    madeAt: p.datetime(),
    title: p.string().nullable(),
  },
});
const Doc = defineEntity({
  name: 'Doc',
  tableName: 'doc',
  properties: {
    id: p.integer().primary(),
    docId: p.integer(),
    latest: p.integer().nullable(),
    title: p.string().nullable(),
  },
});

describe('repointLatest', () => {
  let database: TestDatabase;
  const policy = definePolicy({
    name: 'docs',
    entities: [Doc, Version],
    enabled: true,
    passes: [
      repointLatest({
        name: 'stale-docs',
        pointer: latestPointer({
          holder: Doc,
          pointer: 'latest',
          target: Version,
          group: 'docId',
          newest: 'madeAt',
          copy: ['title'],
        }),
      }),
    ],
  });

  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create table version (id integer primary key, doc_id integer, made_at timestamptz, title text);
      create index on version (doc_id, made_at);
      create table doc (id integer primary key, doc_id integer unique, latest integer, title text)`);
  });
  afterEach(async () => database.drop());

  const docs = async (): Promise<unknown[]> => database.rows('select id, latest, title from doc order by id');

  test('moves to the newest survivor with its copied columns; ties go to the larger key', async () => {
    await database.rows(`
      insert into version values
        (1, 1, '2020-01-01', 'old'), (2, 1, '2021-01-01', 'tie'), (3, 1, '2021-01-01', 'larger'), (4, 2, '2020-01-01', 'x');
      insert into doc values (1, 1, 99, 'stale'), (2, 2, 4, 'kept as it is')`);
    const report = await runEngine(database.url, policy);
    expect(await docs()).toEqual([
      { id: 1, latest: 3, title: 'larger' },
      { id: 2, latest: 4, title: 'kept as it is' },
    ]);
    expect(report.passes[0]).toMatchObject({ moved: 1, deleted: {} });
  });

  test('goes where nothing of its group survives', async () => {
    await database.rows(
      `insert into version values (1, 2, now(), 'x'); insert into doc values (1, 1, 99, 'a'), (2, 2, 1, 'b')`,
    );
    const report = await runEngine(database.url, policy);
    expect(await docs()).toEqual([{ id: 2, latest: 1, title: 'b' }]);
    expect(report.deleted).toEqual({ doc: 1 });
  });

  test('what points at nothing by design, or belongs to no group, is left alone', async () => {
    await database.rows(
      `insert into doc values (1, 1, null, 'new'), (2, null, 99, 'without a group'), (3, 3, 99, 'stale')`,
    );
    expect(await previewed()).toEqual({ doc: 1 });
    const report = await runEngine(database.url, policy);
    expect(report.deleted).toEqual({ doc: 1 });
    expect(await docs()).toEqual([
      { id: 1, latest: null, title: 'new' },
      { id: 2, latest: 99, title: 'without a group' },
    ]);
  });

  test('a survivor of unknown age is the oldest', async () => {
    await database.rows(`
      insert into version values (1, 1, null, 'unknown'), (2, 1, '2020-01-01', 'known'), (3, 2, null, 'only one');
      insert into doc values (1, 1, 99, 'stale'), (2, 2, 99, 'stale')`);
    await runEngine(database.url, policy);
    expect(await docs()).toEqual([
      { id: 1, latest: 2, title: 'known' },
      { id: 2, latest: 3, title: 'only one' },
    ]);
  });

  /** What a preview would delete, by table. */
  async function previewed(): Promise<object | undefined> {
    const opened = await openDatabase(database.url);
    try {
      return (await previewPolicy(opened, policy, ['stale-docs'])).passes[0]?.deleted;
    } finally {
      await opened.close();
    }
  }

  test('a holder that another session has stays as it is', async () => {
    await database.rows(`insert into doc select n, n, 99, 'x' from generate_series(1, 20) as n`);
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query('select * from doc where id = 5 for update');
    const report = await runEngine(database.url, policy);
    expect(await docs()).toEqual([{ id: 5, latest: 99, title: 'x' }]);
    expect(report.passes[0]?.skipped).toBe(1);
    await other.query('rollback');
    other.release();
  });
});
