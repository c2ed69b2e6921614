import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { explainRow } from '../../../activities/inspect/explain.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteUnreferenced, softReference } from '../../../policy/delete-unreferenced.ts';
import type { SoftChild } from '../../../policy/expire-rows.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import type { Pass } from '../../../policy/pass.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

const Execution = defineEntity({
  name: 'Execution',
  properties: { id: p.integer().primary(), at: p.datetime() },
});
const Data = defineEntity({
  name: 'Data',
  properties: { id: p.integer().primary(), executionId: p.text() },
});
const Part = defineEntity({
  name: 'Part',
  properties: { id: p.integer().primary(), dataId: p.integer() },
});

/** Executions 6, 7 and 8, of which the first two are old; their data name them as text, and some texts look alike. */
const SCHEMA = `
  create table execution (id integer primary key, at timestamp with time zone);
  insert into execution values (6, ${daysAgo(11)}), (7, ${daysAgo(11)}), (8, ${daysAgo(9)});
  create table data (id integer primary key, execution_id text);
  create index data_execution on data (execution_id);
  insert into data values
    (1, '7'), (2, '7'), (3, '007'), (4, '7 '), (5, 'x'), (6, '8'), (7, '9999'), (8, null), (9, '7.0'), (10, '6');
  create table part (id integer primary key, data_id integer);
  insert into part values (1, 1), (2, 2), (3, 3), (10, 10)`;

describe.each(DIALECTS)('a key that is kept as text, on %s', (_, open) => {
  let database: EitherDatabase;

  beforeEach(async () => {
    database = await open(SCHEMA);
  });
  afterEach(async () => database.drop());

  function makePolicy(pass: Pass): Policy {
    return definePolicy({ name: 'p', enabled: true, entities: [Execution, Data, Part], passes: [pass] });
  }

  function expire(child: SoftChild): Policy {
    return makePolicy(
      expireRows({ name: 'old', entity: Execution, age: 'at', olderThan: '10 days', with: [child] }),
    );
  }

  const parts = softChild({ entity: Part, by: 'dataId' });

  test.each([{}, { lockFirst: true, size: 1 }])(
    'names its row, and texts like it name none: %j',
    async (options) => {
      await runAsPreviewed(
        database.url,
        expire(softChild({ entity: Data, by: 'executionId', as: 'text', with: [parts] })),
        options,
      );
      expect(await database.ids('execution')).toEqual([8]);
      expect(await database.ids('data')).toEqual([3, 4, 5, 6, 7, 8, 9]);
      expect(await database.ids('part')).toEqual([3]);
    },
  );

  test('keeps a row that it references, and explain finds the way to it', async () => {
    const references = [softReference({ entity: Data, by: 'executionId', as: 'text' })];
    await database.execute("delete from data where execution_id = '6'");
    const unused = deleteUnreferenced({ name: 'unused', entity: Execution, age: 'at', references });
    await runAsPreviewed(database.url, makePolicy(unused));
    expect(await database.ids('execution')).toEqual([7, 8]);
    const opened = await openDatabase(database.url);
    try {
      const policy = expire(softChild({ entity: Data, by: 'executionId', as: 'text' }));
      const explain = async (key: string): Promise<string | null> =>
        (await explainRow(opened, policy, 'Data', key)).goesBy;
      expect([await explain('1'), await explain('3'), await explain('6')]).toEqual(['old', null, null]);
    } finally {
      await opened.close();
    }
  });

  test('is refused without saying so, and for columns that cannot be compared so', async () => {
    const refusal = async (child: SoftChild): Promise<string> =>
      runEngine(database.url, expire(child)).then(
        () => 'nothing refused',
        (error: Error) => error.message,
      );
    expect(await refusal(softChild({ entity: Data, by: 'executionId' }))).toContain("say as: 'text'");
    expect(await refusal(softChild({ entity: Part, by: 'dataId', as: 'text' }))).toContain(
      'only works for a text and a whole number or a UUID',
    );
    const wrong = softChild({ entity: Data, by: 'executionId', as: 'integer' as never });
    expect(await refusal(wrong)).toContain('as is "integer"');
    expect(await database.ids('execution')).toHaveLength(3);
  });
});
