import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client as TemporalClient, Connection } from '@temporalio/client';
import { Client } from 'pg';

import type { RunReport } from '../../activities/contract.ts';
import { onServer } from '../../test/support/database.ts';
import type { Cluster } from '../../test/support/postgres/cluster.ts';
import { startWorkerProcess } from '../../test/support/worker-process.ts';
import { printTable } from '../../worker/cli/output.ts';
import type { DevServer } from '../../worker/dev-server.ts';

const CONFIG = new URL('./vacuum.config.ts', import.meta.url).pathname;
const FOLDERS = 100;
const BYTES = 1000;
/** Files a second in memory. */
const GOAL = 5000;

/** Rows with a file each, all old: in memory where there is such a place, and on the disk. */
export async function runFiles(
  { cluster, temporal }: { readonly cluster: Cluster; readonly temporal: DevServer },
  count: number,
): Promise<void> {
  const places = [
    ...(existsSync('/dev/shm') ? [{ place: 'memory', folder: '/dev/shm' }] : []),
    { place: 'disk', folder: tmpdir() },
  ];
  const figures = [];
  for (const { place, folder } of places) {
    process.stderr.write(`${count} files, ${place}\n`);
    figures.push({
      place,
      ...(await onFiles(folder, count, async (at) => measure(cluster, temporal, at, count))),
    });
  }
  process.stdout.write(`\n${count} files with rows\n\n`);
  printTable(
    ['place', 'files', 'seconds of the pass', 'files/s', 'unlink alone, files/s'],
    figures.map(({ place, files, seconds, plain }) => [
      place,
      files,
      seconds.toFixed(2),
      Math.round(files / seconds),
      Math.round(count / plain),
    ]),
  );
  const memory = figures.find(({ place }) => place === 'memory');
  if (memory === undefined || count < GOAL) return;
  const rate = memory.files / memory.seconds;
  process.stdout.write(
    `${rate >= GOAL ? 'met ' : 'MISS'}  files/s in memory: ${Math.round(rate)} (goal: at least ${GOAL})\n`,
  );
}

interface Figures {
  readonly files: number;
  readonly seconds: number;
  /** Seconds that nothing but the calls to remove take, one after the other. */
  readonly plain: number;
}

async function onFiles<T>(parent: string, count: number, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(parent, 'temporal-vacuum-bench-'));
  try {
    fill(folder, count);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fill(folder: string, count: number): void {
  const content = Buffer.alloc(BYTES);
  for (let n = 0; n < FOLDERS; n += 1) mkdirSync(join(folder, String(n)), { recursive: true });
  for (let n = 0; n < count; n += 1) writeFileSync(join(folder, `${n % FOLDERS}/${n}.jpg`), content);
}

async function measure(
  cluster: Cluster,
  temporal: DevServer,
  folder: string,
  count: number,
): Promise<Figures> {
  const name = 'bench_files';
  await onServer(cluster.url(), `create database ${name}`);
  const client = new Client(cluster.url(name));
  await client.connect();
  process.env['BENCH_FILES'] = folder;
  const taskQueue = `bench-${randomUUID()}`;
  const connection = await Connection.connect({ address: temporal.address });
  try {
    await client.query(`
      create table picture (id integer primary key, at timestamptz not null, path text not null);
      insert into picture
      select n, now() - interval '2 days', n % ${FOLDERS} || '/' || n || '.jpg'
      from generate_series(0, ${count} - 1) as n;
      create index on picture (at);
      create index on picture (path);
      analyze`);
    const worker = await startWorkerProcess({
      url: cluster.url(name),
      taskQueue,
      address: temporal.address,
      built: true,
      config: CONFIG,
    });
    try {
      const run = { taskQueue, workflowId: randomUUID(), args: [] };
      const report = (await new TemporalClient({ connection }).workflow.execute('vacuum', run)) as RunReport;
      const pass = report.passes.find(({ kind }) => kind === 'deleteRecordedFiles');
      if (pass?.files !== count) throw new Error(`${pass?.files ?? 0} of ${count} files were removed`);
      fill(folder, count);
      return { files: pass.files, seconds: pass.millis / 1000, plain: unlinkAll(folder) };
    } finally {
      await worker.end();
    }
  } finally {
    await connection.close();
    await client.end();
    await onServer(cluster.url(), `drop database ${name} with (force)`);
  }
}

function unlinkAll(folder: string): number {
  const start = performance.now();
  for (const sub of readdirSync(folder)) {
    for (const file of readdirSync(join(folder, sub))) unlinkSync(join(folder, sub, file));
  }
  return (performance.now() - start) / 1000;
}
