import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';

import { openDatabase } from '../../../../activities/ledger/database.ts';
import { readReport } from '../../../../activities/ledger/reports.ts';
import { reclaimWhole } from '../../../../activities/steps/reclaim-whole.ts';
import type { LedgerReport } from '../../../../activities/stored/report.ts';
import { expireRows } from '../../../../policy/expire-rows.ts';
import { definePolicy } from '../../../../policy/policy.ts';
import type { ReclaimMode, ReclaimSpaceOptions } from '../../../../policy/reclaim-space.ts';
import { reclaimSpace } from '../../../../policy/reclaim-space.ts';
import { describeNeeding } from '../../../support/needing.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';
import { TemporalSession } from '../../../support/temporal.ts';

const PROCESS = fileURLToPath(new URL('../../../support/sqlite-reclaim-process.ts', import.meta.url));
const ANY_TIME = { mode: 'full', window: '00:00-24:00' } as const;
const ROWS = 20_000;

const Line = defineEntity({
  name: 'Line',
  properties: { id: p.integer().primary(), at: p.datetime().columnType('timestamptz'), text: p.text() },
});

/** A file of some megabytes, of which every row that is not the `keep`th is old. */
function makeFile(autoVacuum: 'none' | 'incremental', keep: number): TestFile {
  const file = createFile('');
  file.execute(`
    pragma auto_vacuum = ${autoVacuum};
    vacuum;
    create table line (id integer primary key, at datetime, text text);
    with recursive n (n) as (select 1 union all select n + 1 from n where n < ${ROWS})
    insert into line
    select n, iif(n % ${keep} = 0, datetime('now'), '2020-01-01 00:00:00'), printf('%.300c', 'x') from n;
    pragma wal_checkpoint(truncate);`);
  return file;
}

function expectWhole(file: TestFile): void {
  expect(file.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
}

const countBytes = (file: TestFile): number =>
  file.value('pragma page_count') * file.value('pragma page_size');

describeNeeding(['temporal'], 'reclaimSpace on SQLite', () => {
  const session = new TemporalSession();
  let file: TestFile;
  afterEach(() => file.drop());
  afterAll(async () => session.close());

  async function run(options: Partial<ReclaimSpaceOptions> = {}): Promise<LedgerReport> {
    const old = expireRows({ name: 'old', entity: Line, age: 'at', olderThan: '1 day' });
    const policy = definePolicy({
      name: 'lines',
      enabled: true,
      entities: [Line],
      limits: { maxPercent: 100 },
      passes: [old, reclaimSpace({ name: 'space', ...options })],
    });
    const taskQueue = session.queue();
    await session.withVacuum({ taskQueue, url: file.url, policies: [policy] }, async () => {
      const handle = await session.start(taskQueue, {});
      await handle.result();
    });
    const { session: opened, ledger, close } = await openDatabase(file.url);
    const runs = await opened.ledger.reports.readRuns('lines', 1);
    const report = await readReport(ledger, runs[0]?.run ?? 0);
    await close();
    if (report === undefined) throw new Error('the run is not in the ledger');
    return report;
  }

  const readJournal = (): string[] =>
    file
      .rows<{ line: string }>(
        `select concat_ws(' ', mode, label, event, outcome) as line from vacuum_reclaim order by id`,
      )
      .map(({ line }) => line);

  test('vacuum cuts free pages off a file that was made for it, in steps, measured to the byte', async () => {
    file = makeFile('incremental', 10);
    const before = countBytes(file);
    const report = await run();
    expect(report).toMatchObject({ status: 'completed', rows: 0.9 * ROWS });
    expect(report.bytes).toBeGreaterThan(before / 2);
    expect(file.value('pragma freelist_count') * file.value('pragma page_size')).toBeLessThan(before / 20);
    expect(countBytes(file)).toBeLessThan(before / 2);
    expect(readJournal()).toEqual(['vacuum whole file started', 'vacuum whole file ended done']);
    expect(file.value('select count(*) from line')).toBe(ROWS / 10);
    expectWhole(file);
  });

  test('vacuum leaves another file as it is, and the run notes why', async () => {
    file = makeFile('none', 10);
    const before = countBytes(file);
    const report = await run();
    expect(report).toMatchObject({ status: 'completed', rows: 0.9 * ROWS, bytes: 0 });
    expect(report.notes.map(({ what }) => what).join()).toContain('auto_vacuum is not incremental');
    expect(countBytes(file)).toBeGreaterThanOrEqual(before);
    expect(readJournal()).toEqual([]);
  });

  test('reindex leaves the file as it is, and the run notes which mode rebuilds indexes', async () => {
    file = makeFile('none', 10);
    const report = await run({ mode: 'reindex' });
    expect(report).toMatchObject({ status: 'completed', bytes: 0 });
    expect(report.notes.map(({ what }) => what).join()).toContain(
      'SQLite rebuilds indexes only with the whole file, as mode full does',
    );
    expect(readJournal()).toEqual([]);
  });

  test('full rewrites the file if a fifth of it is empty, and not again', async () => {
    file = makeFile('none', 2);
    const before = countBytes(file);
    const report = await run(ANY_TIME);
    expect(report).toMatchObject({ status: 'completed', rows: ROWS / 2 });
    expect(report.bytes).toBeGreaterThan(before / 3);
    expect(countBytes(file)).toBeLessThan((2 * before) / 3);
    expect(readJournal()).toEqual(['full whole file started', 'full whole file ended done']);
    expect(file.value('select count(*) from line')).toBe(ROWS / 2);
    expectWhole(file);
    expect(await run(ANY_TIME)).toMatchObject({ status: 'completed', bytes: 0 });
    expect(readJournal()).toHaveLength(2);
  });
});

describe('the space of a SQLite file', () => {
  let file: TestFile;
  afterEach(() => file.drop());

  test('is not given back without the disk or the time that a rewrite needs, and what it needs is said', async () => {
    file = makeFile('none', 2);
    file.execute('delete from line where id % 2 = 0');
    const { session, ledger, close } = await openDatabase(file.url);
    await ledger.migrate();
    const { reclaim } = session;
    const plan = await reclaim?.planWhole?.('full');
    if (reclaim === undefined || plan === undefined) throw new Error('the space cannot be given back');
    expect(plan.unusedBytes).toBeGreaterThan(plan.bytes / 3);
    expect(plan.neededBytes).toBeGreaterThan(plan.bytes / 3);
    expect(plan.blockedMillis).toBeGreaterThan(0);
    const minute = Math.floor(Date.now() / 60_000) % (24 * 60);
    const options = {
      mode: 'full' as const,
      named: false,
      window: { from: minute, to: (minute + 30) % (24 * 60), timezone: 'UTC' },
      lockMillis: 1000,
      retries: 0,
    };
    const step = { session, run: 1, pass: 0, signal: new AbortController().signal };
    const give = async (changed: object): Promise<string> => {
      const { bytes, notes } = await reclaimWhole(options as never, step, reclaim, { ...plan, ...changed });
      expect(bytes).toBe(0);
      return notes.map(({ what }) => what).join();
    };
    expect(await give({ neededBytes: 1e18 })).toMatch(
      /has no room to rewrite it, which needs 888.1 PiB and has [\d.]+ [MGT]iB/,
    );
    expect(await give({ blockedMillis: 3_600_000 })).toContain(
      'a rewrite takes about 1h and cannot be ended',
    );
    expect(await give({ unusedBytes: plan.bytes / 10 })).toBe('');
    await close();
  });

  test('is not given back while others hold the write lock: the table is left, and others go on', async () => {
    file = makeFile('none', 2);
    const { session, close } = await openDatabase(file.url);
    const plan = await session.reclaim?.planWhole?.('full');
    file.execute('begin immediate');
    await expect(
      session.reclaim?.run(async (own) => {
        await own.limit({ lockMillis: 10, statementMillis: 0 });
        await own.reclaim(
          'full',
          plan?.table ?? { schema: '', name: '', label: '' },
          new AbortController().signal,
        );
      }),
    ).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    file.execute('commit');
    await close();
  });

  test.each<readonly [ReclaimMode, 'none' | 'incremental']>([
    ['vacuum', 'incremental'],
    ['full', 'none'],
  ])('survives kills in the middle of mode %s, and the next attempt ends it', async (mode, autoVacuum) => {
    file = makeFile(autoVacuum, 2);
    file.execute('delete from line where id % 4 <> 0');
    const start = async (wait: number): Promise<boolean> => {
      const child = spawn(process.execPath, [PROCESS, file.url, mode], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(child, 'exit');
      let output = '';
      child.stdout.on('data', (text: Buffer) => (output += text.toString()));
      await once(child.stdout, 'data');
      // The longest wait must not keep Jest from its end after the child has exited.
      await Promise.race([sleep(wait, undefined, { ref: false }), ended]);
      child.kill('SIGKILL');
      await ended;
      return output.includes('done');
    };
    for (let wait = 1; wait < 40 && !(await start(wait)); wait *= 2) {
      expectWhole(file);
      expect(file.value('select count(*) from line')).toBe(ROWS / 4);
    }
    expect(await start(60_000)).toBe(true);
    expectWhole(file);
    expect(file.value('select count(*) from line')).toBe(ROWS / 4);
    expect(file.value('pragma freelist_count')).toBe(0);
    file.execute('pragma wal_checkpoint(truncate)');
    expect(statSync(file.path).size).toBe(countBytes(file));
  });
});
