import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect } from '@jest/globals';

import type { TestFile } from './sqlite.ts';
import { createFile } from './sqlite.ts';

const PROCESS = fileURLToPath(new URL('./sqlite-engine-process.ts', import.meta.url));
const JOBS = 10_000;
const TABLES = ['job', 'step', 'line'] as const;

/**
 * Cleans files by a process that gets so many SIGKILLs, each some time after it began to work, one file after the other.
 * After each kill the ledger must be the difference and the file whole; in the end everything old is deleted.
 */
export async function killAtRandom(kills: number, random: () => number): Promise<void> {
  for (let done = 0; done < kills;) {
    const file = makeFile();
    try {
      const before = done;
      while (done < kills && (await clean(file, 100 + random() * 900)) === 'killed') {
        done += 1;
        expectExact(file);
      }
      expect(done).toBeGreaterThan(before);
      await clean(file, Infinity);
      expectDone(file);
    } finally {
      file.drop();
    }
  }
}

function makeFile(): TestFile {
  return createFile(`
    create table job (id integer primary key, at datetime);
    create table step (id integer primary key, job_id integer references job on delete cascade);
    create table line (id integer primary key, step_id integer references step on delete cascade);
    create index step_job on step (job_id);
    create index line_step on line (step_id);
    with recursive n (n) as (select 1 union all select n + 1 from n where n < ${JOBS})
    insert into job select n, case when n % 10 = 0 then datetime('now') else '2020-01-01 00:00:00' end from n;
    insert into step select id, id from job;
    insert into line select id, id from step;`);
}

/** Lets a process clean, and kills it after so many milliseconds of work, unless it is done. */
async function clean(file: TestFile, millis: number): Promise<'killed' | 'done'> {
  const child = spawn(process.execPath, [PROCESS, file.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  await once(child.stdout, 'data');
  await (millis === Infinity ? ended : Promise.race([sleep(millis, undefined, { ref: false }), ended]));
  child.kill('SIGKILL');
  await ended;
  return output.includes('done') ? 'done' : 'killed';
}

/** Rows that are gone by the ledger, which commits with them, and by the tables themselves. */
function readGone(file: TestFile): { byLedger: Record<string, number>; byTables: Record<string, number> } {
  const sums = file.rows<{ label: string; rows: number }>(
    'select d.key as label, sum(d.value) as rows from vacuum_batch as b, json_each(b.deleted) as d group by d.key',
  );
  const byLedger = Object.fromEntries(sums.map(({ label, rows }) => [label, rows]));
  const gone = TABLES.map((table) => [table, JOBS - file.value(`select count(*) from ${table}`)] as const);
  return { byLedger, byTables: Object.fromEntries(gone.filter(([, rows]) => rows > 0)) };
}

function expectExact(file: TestFile): void {
  expect(file.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  if (file.value(`select count(*) from sqlite_schema where name = 'vacuum_batch'`) === 0) return;
  const { byLedger, byTables } = readGone(file);
  expect(byLedger).toEqual(byTables);
  const twice = 'select pass, shard, sequence from vacuum_batch group by 1, 2, 3 having count(*) > 1';
  expect(file.rows(twice)).toEqual([]);
}

function expectDone(file: TestFile): void {
  const old = (JOBS * 9) / 10;
  const { byLedger, byTables } = readGone(file);
  expect(byLedger).toEqual({ job: old, step: old, line: old });
  expect(byTables).toEqual(byLedger);
  // One that was killed after it had closed its run did not say that it was done: the next has found nothing.
  expect(file.rows('select distinct status from vacuum_run')).toEqual([{ status: 'completed' }]);
  expect(file.value(`select count(*) from job where at < '2021'`)).toBe(0);
}
