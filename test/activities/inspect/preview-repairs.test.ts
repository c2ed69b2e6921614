import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../../policy/expire-rows.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import { definePolicy } from '../../../policy/policy.ts';
import { repointLatest } from '../../../policy/repoint-latest.ts';
import type { TestDatabase } from '../../support/database.ts';
import { createDatabase } from '../../support/database.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Version = defineEntity({
  name: 'Version',
  tableName: 'version',
  properties: { id: p.integer().primary(), docId: p.integer(), madeAt: p.datetime() },
});
const Doc = defineEntity({
  name: 'Doc',
  tableName: 'doc',
  properties: {
    id: p.integer().primary(),
    docId: p.integer(),
    latest: p.integer().nullable(),
    first: p.integer().nullable(),
    at: p.datetime(),
  },
});

describe('a preview of repairs after other passes', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase('template0');
    await database.rows(`
      create table version (id integer primary key, doc_id integer, made_at timestamptz);
      create index on version (doc_id, made_at);
      create table doc (id integer primary key, doc_id integer unique, latest integer, first integer, at timestamptz)`);
  });
  afterEach(async () => database.drop());

  const pointer = (column: 'latest' | 'first') =>
    latestPointer({ holder: Doc, pointer: column, target: Version, group: 'docId', newest: 'madeAt' });
  const versions = expireRows({ name: 'versions', entity: Version, age: 'madeAt', olderThan: '1 day' });

  test('a holder that another pass deletes is counted once', async () => {
    await database.rows(`
      insert into version values (1, 1, '2020-01-01'), (2, 2, '2020-01-01'), (3, 3, now());
      insert into doc values (1, 1, 1, null, '2020-01-01'), (2, 2, 2, null, now()), (3, 3, 3, null, now())`);
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Doc, Version],
      passes: [
        repointLatest({ name: 'before', pointer: pointer('latest') }),
        versions,
        expireRows({ name: 'docs', entity: Doc, age: 'at', olderThan: '1 day' }),
        repointLatest({ name: 'after', pointer: pointer('latest') }),
      ],
    });
    expect(await runAsPreviewed(database.url, policy)).toEqual({
      before: {},
      versions: { version: 2 },
      docs: { doc: 1 },
      after: { doc: 1 },
    });
  });

  test('two pointers of one holder are repaired each', async () => {
    await database.rows(`
      insert into version values (1, 1, now()), (2, 2, now());
      insert into doc values (1, 1, 1, 99, now()), (2, 2, 99, 2, now()), (3, 3, 99, 99, now())`);
    const policy = definePolicy({
      name: 'p',
      enabled: true,
      entities: [Doc, Version],
      passes: [
        repointLatest({ name: 'latest', pointer: pointer('latest') }),
        repointLatest({ name: 'first', pointer: pointer('first') }),
      ],
    });
    const { openDatabase } = await import('../../../activities/ledger/database.ts');
    const { previewPolicy } = await import('../../../activities/inspect/preview.ts');
    const opened = await openDatabase(database.url);
    const { passes } = await previewPolicy(opened, policy, ['latest', 'first']);
    await opened.close();
    expect(passes.map(({ moved, deleted }) => ({ moved, deleted }))).toEqual([
      { moved: 1, deleted: { doc: 1 } },
      { moved: 1, deleted: {} },
    ]);
    await runAsPreviewed(database.url, policy);
  });
});
