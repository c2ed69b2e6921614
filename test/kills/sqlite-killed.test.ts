import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { makeRandom, SEED } from '../support/random.ts';
import type { TestFile } from '../support/sqlite.ts';
import { createFile } from '../support/sqlite.ts';

const PROCESS = fileURLToPath(new URL('../support/sqlite-engine-process.ts', import.meta.url));
/** So many times; the long run of a person has 300. */
const KILLS = Number(process.env['TEST_KILLS'] ?? 12);
const JOBS = 20_000;
const TABLES = ['job', 'step', 'line'] as const;

describe(`a process that cleans a SQLite file and is killed (TEST_SEED=${SEED})`, () => {
  let file: TestFile;
  const random = makeRandom(SEED);

  beforeAll(() => {
    file = createFile(`
      create table job (id integer primary key, at datetime);
      create table step (id integer primary key, job_id integer references job on delete cascade);
      create table line (id integer primary key, step_id integer references step on delete cascade);
      create index step_job on step (job_id);
      create index line_step on line (step_id);
      with recursive n (n) as (select 1 union all select n + 1 from n where n < ${JOBS})
      insert into job select n, case when n % 10 = 0 then datetime('now') else '2020-01-01 00:00:00' end from n;
      insert into step select id, id from job;
      insert into line select id, id from step;`);
  });
  afterAll(() => file.drop());

  /** Rows that are gone by the ledger, which commits with them, and by the tables themselves. */
  function readGone(): { byLedger: Record<string, number>; byTables: Record<string, number> } {
    const sums = file.rows<{ label: string; rows: number }>(
      'select d.key as label, sum(d.value) as rows from vacuum_batch as b, json_each(b.deleted) as d group by d.key',
    );
    const byLedger = Object.fromEntries(sums.map(({ label, rows }) => [label, rows]));
    const gone = TABLES.map((table) => [table, JOBS - file.value(`select count(*) from ${table}`)] as const);
    return { byLedger, byTables: Object.fromEntries(gone.filter(([, rows]) => rows > 0)) };
  }

  const hasLedger = (): boolean =>
    file.value(`select count(*) from sqlite_schema where name = 'vacuum_batch'`) === 1;

  test(
    'leaves a ledger that is the difference, and goes on after the last batch',
    async () => {
      let kills = 0;
      let output = '';
      const isDone = (): boolean => output.includes('done');
      while (kills < KILLS && !isDone()) {
        const child = spawn(process.execPath, [PROCESS, file.url], { stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = once(child, 'exit');
        child.stdout.on('data', (text: Buffer) => (output += text.toString()));
        await once(child.stdout, 'data');
        await Promise.race([sleep(300 + random() * 900), ended]);
        if (!isDone()) {
          child.kill('SIGKILL');
          kills += 1;
        }
        await ended;
        if (!hasLedger()) continue;
        const { byLedger, byTables } = readGone();
        expect(byLedger).toEqual(byTables);
        expect(file.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
        const twice = file.rows(
          'select pass, shard, sequence from vacuum_batch group by 1, 2, 3 having count(*) > 1',
        );
        expect(twice).toEqual([]);
      }
      expect(kills).toBeGreaterThan(3);
      if (!isDone()) {
        const child = spawn(process.execPath, [PROCESS, file.url], { stdio: 'inherit' });
        await once(child, 'exit');
      }
      const { byLedger, byTables } = readGone();
      expect(byLedger).toEqual({ job: (JOBS * 9) / 10, step: (JOBS * 9) / 10, line: (JOBS * 9) / 10 });
      expect(byTables).toEqual(byLedger);
      expect(file.rows(`select status from vacuum_run`)).toEqual([{ status: 'completed' }]);
      expect(file.value(`select count(*) from job where at < '2021'`)).toBe(0);
    },
    10 * 60_000,
  );
});
