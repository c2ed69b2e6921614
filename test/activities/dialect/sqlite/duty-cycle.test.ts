import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { openDatabase } from '../../../../activities/ledger/database.ts';
import { expireRows } from '../../../../policy/expire-rows.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import { runEngine } from '../../../support/engine.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';

const WRITER = fileURLToPath(new URL('../../../support/sqlite-writer-process.ts', import.meta.url));
const ROWS = 30_000;
const LIMITS = { lockMillis: 1000, statementMillis: 5000 };

const Entry = defineEntity({
  name: 'Entry',
  properties: { id: p.integer().primary(), at: p.datetime().columnType('timestamptz') },
});
const policy = definePolicy({
  name: 'entries',
  enabled: true,
  entities: [Entry],
  passes: [expireRows({ name: 'old', entity: Entry, age: 'at', olderThan: '1 day' })],
});

interface Waits {
  readonly writes: number;
  readonly failed: number;
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
}

describe('beside an application that writes', () => {
  let file: TestFile;

  beforeEach(() => {
    file = createFile(`
      create table other (at integer);
      create table entry (id integer primary key, at datetime, text text);
      with recursive n (n) as (select 1 union all select n + 1 from n where n < ${ROWS})
      insert into entry select n, '2020-01-01 00:00:00', 'entry ' || n from n;`);
  });
  afterEach(() => file.drop());

  test(
    'none of its writes fails, and the write lock is taken for a small part of the time',
    async () => {
      const child = spawn(process.execPath, [WRITER, file.path], { stdio: ['pipe', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', (text: Buffer) => (output += text.toString()));
      await once(child.stdout, 'data');
      const report = await runEngine(file.url, policy);
      child.stdin.end();
      await once(child, 'close');
      expect(report.deleted).toEqual({ entry: ROWS });
      const waits = JSON.parse(output.split('\n')[1] ?? '') as Waits;
      expect(waits).toMatchObject({ failed: 0 });
      const [held] = file.rows<{ part: number }>(
        'select sum(millis) / (max(at) - min(at) + 1.0) as part from vacuum_batch where sequence > 1',
      );
      expect(held?.part).toBeLessThan(0.25);
    },
    3 * 60_000,
  );

  test('a preview that is cancelled ends, and the connection is usable', async () => {
    const { session, close } = await openDatabase(file.url);
    const table = { schema: 'main', name: 'entry', label: 'entry' };
    const cancelled = new AbortController();
    const counting = session.snapshot(LIMITS, async (tx) =>
      tx.cancelOn(cancelled.signal, async () => {
        cancelled.abort();
        return tx.tables.readRange(table, undefined);
      }),
    );
    await expect(counting).rejects.toMatchObject({ code: 'SQLITE_VACUUM_CANCELLED' });
    expect(await session.tables.readRange(table, undefined)).toMatchObject({ rows: ROWS });
    await close();
  });

  test('a transaction inside of another one is an error and not a wait for ever', async () => {
    const { session, close } = await openDatabase(file.url);
    await expect(
      session.transaction(LIMITS, async () => session.transaction(LIMITS, async () => undefined)),
    ).rejects.toThrow('a transaction was begun inside of another one');
    await close();
  });
});
