import { afterEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../../../policy/expire-rows.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';
import { runAsPreviewed } from '../../../support/truth.ts';

const Visit = defineEntity({
  name: 'Visit',
  properties: {
    id: p.integer().primary(),
    kind: p.string().nullable(),
    at: p.datetime().columnType('timestamptz'),
  },
});

describe('groups of values that differ, in SQLite', () => {
  let file: TestFile;
  afterEach(() => file.drop());

  test.each([
    ['texts after a zero byte', `'a' || char(0) || 'x'`, `'a' || char(0) || 'y'`, `'a'`],
    ['a text and its bytes', `'a'`, `x'61'`, `null`],
    ['a text and a number', `'1'`, `1`, `'NULL'`],
    ['a text and its bytes in hexadecimal', `char(0)`, `'text 00'`, `'00'`],
  ])('%s: the newest of each stays', async (_, ...kinds) => {
    file = createFile('create table visit (id integer primary key, kind, at datetime)');
    for (const [n, kind] of kinds.entries()) {
      file.execute(`
        insert into visit values
          (${10 * n}, ${kind}, '2020-01-0${n + 1} 00:00:00'), (${10 * n + 1}, ${kind}, '2020-02-0${n + 1} 00:00:00')`);
    }
    const pass = expireRows({
      name: 'old',
      entity: Visit,
      age: 'at',
      olderThan: '30 days',
      keepLast: { count: 1, per: ['kind'] },
    });
    const policy = definePolicy({ name: 'visits', enabled: true, entities: [Visit], passes: [pass] });
    expect(await runAsPreviewed(file.url, policy)).toEqual({ old: { visit: 3 } });
    expect(file.rows('select id from visit order by id')).toEqual([{ id: 1 }, { id: 11 }, { id: 21 }]);
  });
});
