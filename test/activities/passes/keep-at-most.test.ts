import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { explainRow } from '../../../activities/inspect/explain.ts';
import { previewPolicy } from '../../../activities/inspect/preview.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import type { ExpireRowsOptions } from '../../../policy/expire-rows.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { definePolicy } from '../../../policy/policy.ts';
import type { EitherDatabase } from '../../support/either.ts';
import { daysAgo, DIALECTS } from '../../support/either.ts';
import { runEngine } from '../../support/engine.ts';
import { runAsPreviewed } from '../../support/truth.ts';

interface Row {
  id: number;
  state: string;
  at: Date;
}
const Execution = defineEntity({
  name: 'Execution',
  properties: { id: p.integer().primary(), state: p.string(), at: p.datetime().nullable() },
});

/** Twenty executions, one a day, the newest first; every fourth waits. One has no age. */
const SCHEMA = `
  create table execution (id integer primary key, state text, at timestamp with time zone);
  create index execution_at on execution (at);
  insert into execution values (99, 'done', null);
  ${Array.from(
    { length: 20 },
    (_, n) =>
      `insert into execution values (${n + 1}, '${n % 4 === 3 ? 'waits' : 'done'}', ${daysAgo(n + 1)});`,
  ).join('\n')}`;
const range = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);

function keep(options: object): Policy {
  const pass = { name: 'old', entity: Execution, age: 'at', ...options } as unknown as ExpireRowsOptions<Row>;
  return definePolicy({ name: 'p', enabled: true, entities: [Execution], passes: [expireRows(pass)] });
}

describe.each(DIALECTS)('at most so many rows, on %s', (_, open) => {
  let database: EitherDatabase;

  beforeEach(async () => {
    database = await open(SCHEMA);
  });
  afterEach(async () => database.drop());

  test.each([{}, { size: 3 }, { scan: 'by-location', lockFirst: true } as const])(
    'the newest stay, whatever their age: %j',
    async (options) => {
      await runAsPreviewed(database.url, keep({ olderThan: null, keepAtMost: { rows: 7 } }), options);
      expect(await database.ids('execution')).toEqual([...range(7), 99]);
    },
  );

  test('rows that are too old go too, however few there are', async () => {
    await runAsPreviewed(database.url, keep({ olderThan: '5 days', keepAtMost: { rows: 7 } }));
    expect(await database.ids('execution')).toEqual([...range(4), 99]);
  });

  test('the shorter of both counts', async () => {
    await runAsPreviewed(database.url, keep({ olderThan: '10 days', keepAtMost: { rows: 7 } }));
    expect(await database.ids('execution')).toEqual([...range(7), 99]);
  });

  test('only rows that match are counted, and go', async () => {
    await runAsPreviewed(
      database.url,
      keep({ olderThan: null, keepAtMost: { rows: 3 }, where: { state: 'waits' } }),
    );
    const waiting = [4, 8, 12];
    const others = range(20).filter((id) => id % 4 !== 0);
    expect(await database.ids('execution')).toEqual([...waiting, ...others, 99].toSorted((a, b) => a - b));
  });

  test('as many rows as may stay lose none, and one more loses one', async () => {
    await runAsPreviewed(database.url, keep({ olderThan: null, keepAtMost: { rows: 20 } }));
    expect(await database.ids('execution')).toHaveLength(21);
    await runAsPreviewed(database.url, keep({ olderThan: null, keepAtMost: { rows: 19 } }));
    expect(await database.ids('execution')).toEqual([...range(19), 99]);
  });

  test('rows of the very same age as the last stay', async () => {
    await database.execute(
      'update execution set at = (select at from execution where id = 7) where id in (8, 9)',
    );
    await runAsPreviewed(database.url, keep({ olderThan: null, keepAtMost: { rows: 7 } }));
    expect(await database.ids('execution')).toEqual([...range(9), 99]);
  });

  test('the newest of a group stay beside them', async () => {
    await runAsPreviewed(
      database.url,
      keep({ olderThan: null, keepAtMost: { rows: 2 }, keepLast: { count: 1, per: ['state'] } }),
    );
    expect(await database.ids('execution')).toEqual([1, 2, 4, 99]);
  });

  test('a run goes on with what it looked up when it began', async () => {
    let added = 0;
    await runEngine(database.url, keep({ olderThan: null, keepAtMost: { rows: 7 } }), {
      size: 3,
      afterBatch: async () => {
        added += 1;
        await database.execute(`insert into execution values (${100 + added}, 'done', ${daysAgo(0)})`);
      },
    });
    expect((await database.ids('execution')).filter((id) => id < 99)).toEqual(range(7));
  });

  test('a preview permits the same settings later, and explain names no date for a row among the newest', async () => {
    const policy = keep({ olderThan: null, keepAtMost: { rows: 7 } });
    const opened = await openDatabase(database.url);
    try {
      const first = await previewPolicy(opened, policy, ['old']);
      await database.execute(`insert into execution values (100, 'done', ${daysAgo(0)})`);
      const second = await previewPolicy(opened, policy, ['old']);
      expect(second.passes[0]?.horizon).not.toBe(first.passes[0]?.horizon);
      expect(second.passes[0]?.settingsHash).toBe(first.passes[0]?.settingsHash);
      const other = await previewPolicy(opened, keep({ olderThan: null, keepAtMost: { rows: 8 } }), ['old']);
      expect(other.passes[0]?.settingsHash).not.toBe(first.passes[0]?.settingsHash);
      const [stays, goes] = [
        await explainRow(opened, policy, 'Execution', '6'),
        await explainRow(opened, policy, 'Execution', '7'),
      ];
      expect([stays.goesBy, stays.passes[0]?.from]).toEqual([null, null]);
      expect(goes.goesBy).toBe('old');
    } finally {
      await opened.close();
    }
  });

  test('what cannot be meant is refused', async () => {
    const refusal = async (options: object): Promise<string> =>
      runEngine(database.url, keep(options)).then(
        () => 'nothing refused',
        (error: Error) => error.message,
      );
    expect(await refusal({ olderThan: null })).toContain('nothing would ever expire');
    expect(await refusal({ olderThan: null, keepAtMost: { rows: 0 } })).toContain('keepAtMost.rows is 0');
    expect(await refusal({ olderThan: null, keepAtMost: 7 })).toContain('keepAtMost');
    const overrides = [{ where: { state: 'waits' }, olderThan: '1 day' }];
    expect(await refusal({ olderThan: null, keepAtMost: { rows: 7 }, overrides })).toContain(
      'keepAtMost stands beside retentions of single rows',
    );
    expect(await database.ids('execution')).toHaveLength(21);
  });
});
