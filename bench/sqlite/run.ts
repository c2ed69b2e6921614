import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { defineEntity, p } from '@mikro-orm/core';

import { expireRows } from '../../policy/expire-rows.ts';
import { definePolicy } from '../../policy/policy.ts';
import { runEngine } from '../../test/support/engine.ts';
import type { TestFile } from '../../test/support/sqlite.ts';
import { createFile } from '../../test/support/sqlite.ts';
import { printTable } from '../../worker/cli/output.ts';

const WRITER = fileURLToPath(new URL('../../test/support/sqlite-writer-process.ts', import.meta.url));

const Line = defineEntity({
  name: 'Line',
  tableName: 'line',
  properties: { id: p.integer().primary(), at: p.datetime().columnType('timestamptz') },
});
const policy = definePolicy({
  name: 'lines',
  enabled: true,
  entities: [Line],
  passes: [expireRows({ name: 'old', entity: Line, age: 'at', olderThan: '1 day' })],
});

/** What others notice of a run. */
interface Waits {
  readonly writes: number;
  readonly failed: number;
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
}

interface Figures {
  readonly what: string;
  readonly rowsPerSecond: number;
  /** The longest time that the write lock was held, in milliseconds. */
  readonly longestHold: number;
  /** The part of the time that it was held. */
  readonly held: number;
  readonly waits: Waits | undefined;
}

/** Half of a table of log lines goes: by one delete, by us on a quiet file, and by both beside an application that writes. */
export async function runSqlite(rows: number): Promise<void> {
  const figures: Figures[] = [];
  for (const isBusy of [false, true]) {
    for (const who of ['one delete', 'ours'] as const) {
      process.stderr.write(`${rows} lines, ${who}${isBusy ? ' beside a writer' : ''}\n`);
      const file = fill(rows);
      const measured = who === 'ours' ? async () => measureOurs(file) : async () => measurePlain(file);
      const { waits, result } = isBusy
        ? await besideWriter(file, measured)
        : { waits: undefined, result: await measured() };
      const what = `${who}${isBusy ? ', beside a writer' : ''}`;
      figures.push({ what, waits, ...result, rowsPerSecond: rows / 2 / result.seconds });
      file.drop();
    }
  }
  process.stdout.write(`\nSQLite, ${rows} lines of which half go\n\n`);
  printTable(
    ['', 'rows/s', 'longest hold', 'held', 'a write waits: median, p99, longest', 'writes that failed'],
    figures.map(({ what, rowsPerSecond, longestHold, held, waits }) => [
      what,
      Math.round(rowsPerSecond).toLocaleString('en'),
      `${Math.round(longestHold)} ms`,
      `${Math.round(100 * held)} %`,
      waits === undefined ? '' : `${waits.median}, ${waits.p99}, ${waits.longest} ms`,
      waits === undefined ? '' : `${waits.failed} of ${waits.writes}`,
    ]),
  );
}

function fill(rows: number): TestFile {
  return createFile(`
    create table other (at integer);
    create table line (id integer primary key, run_id text, level integer, at datetime, message text);
    create index line_run on line (run_id);
    create index line_level on line (level);
    with recursive n (n) as (select 1 union all select n + 1 from n where n < ${rows})
    insert into line
    select n, hex(n / 100), 10 * (n % 5), iif(n % 2 = 0, datetime('now'), '2020-01-01 00:00:00'), 'message ' || n
    from n;`);
}

interface Result {
  readonly seconds: number;
  readonly longestHold: number;
  readonly held: number;
}

async function measureOurs(file: TestFile): Promise<Result> {
  const started = performance.now();
  await runEngine(file.url, policy);
  const millis = performance.now() - started;
  const [batches] = file.rows<{ held: number; longest: number }>(
    'select sum(millis) as held, max(millis) as longest from vacuum_batch',
  );
  return { seconds: millis / 1000, longestHold: batches?.longest ?? 0, held: (batches?.held ?? 0) / millis };
}

async function measurePlain(file: TestFile): Promise<Result> {
  const started = performance.now();
  file.execute(`delete from line where at < datetime('now', '-1 day')`);
  const millis = performance.now() - started;
  return { seconds: millis / 1000, longestHold: millis, held: 1 };
}

/** Runs work while another process writes a row every some milliseconds. */
async function besideWriter(
  file: TestFile,
  work: () => Promise<Result>,
): Promise<{ readonly waits: Waits; readonly result: Result }> {
  const child = spawn(process.execPath, [WRITER, file.path], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  await once(child.stdout, 'data');
  const result = await work();
  child.stdin.end();
  await once(child, 'close');
  return { waits: JSON.parse(output.split('\n')[1] ?? '') as Waits, result };
}
