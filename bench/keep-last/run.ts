import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client as TemporalClient, Connection } from '@temporalio/client';
import { Client } from 'pg';

import type { RunReport } from '../../activities/contract.ts';
import { onServer } from '../../test/support/database.ts';
import { ROOT } from '../../test/support/parts/bring.ts';
import type { Cluster } from '../../test/support/postgres/cluster.ts';
import { startWorkerProcess } from '../../test/support/worker-process.ts';
import { printTable } from '../../worker/cli/output.ts';
import type { DevServer } from '../../worker/dev-server.ts';
import type { Sampling } from './newest.ts';
import { countLost, readFewest, saveNewest, startSampling, readValue } from './newest.ts';
import { fillResults, KEPT } from './schema.ts';

const GOAL = 100_000;

/** Another session writes so many rows at once, into jobs by chance, and rests as many milliseconds: 5,000 a second. */
const INSERTED = 50;
const REST_MILLIS = 10;

/**
 * All but the newest ten results of each job, while another session inserts results of all jobs. Throws if a job is
 * left with fewer than ten at any look, or one of the ten that were the newest or a young row is gone.
 */
export async function runKeepLast(
  { cluster, temporal }: { readonly cluster: Cluster; readonly temporal: DevServer },
  scale: number,
): Promise<void> {
  const name = 'bench_keep_last';
  await onServer(cluster.url(), `create database ${name}`);
  const url = cluster.url(name);
  const client = new Client(url);
  await client.connect();
  try {
    const { rows, groups } = await fillResults(client, scale);
    await saveNewest(client);
    await client.query('vacuum analyze');
    await client.query('checkpoint');
    const { report, inserted, sampled } = await vacuum(url, temporal.address, groups);
    const fewest = Math.min(sampled.fewest, await readFewest(client));
    const lost = await countLost(client, inserted);
    const left = await readValue(client, 'select count(*) from result');
    if (fewest < KEPT) throw new Error(`a job was left with ${fewest} of the newest ${KEPT} results`);
    if (lost > 0) throw new Error(`${lost} results are gone that are among the newest of their job or young`);
    if (left !== rows + inserted - report.rows)
      throw new Error('rows are gone that the report does not count');
    const seconds = report.millis / 1000;
    process.stdout.write(
      `\nthe newest ${KEPT} of each of ${groups} groups stay, of ${rows} rows, while others insert\n\n`,
    );
    printTable(
      ['seconds', 'rows', 'rows/s', 'longest tx', 'inserted meanwhile', 'fewest left', 'looks'],
      [
        [
          seconds.toFixed(2),
          report.rows,
          Math.round(report.rows / seconds),
          `${Math.round(report.longestTransactionMillis ?? 0)} ms`,
          inserted,
          fewest,
          sampled.looks,
        ],
      ],
    );
    const reached = report.rows / seconds >= GOAL ? 'reached' : 'missed';
    process.stdout.write(
      scale === 1 ? `\nat least ${GOAL} rows/s: ${reached}\n` : '\nThe goal is for scale 1.\n',
    );
  } finally {
    await client.end();
    await onServer(cluster.url(), `drop database ${name} with (force)`);
  }
}

/** One run with the others at work from its begin to its end. */
async function vacuum(
  url: string,
  address: string,
  groups: number,
): Promise<{ report: RunReport; inserted: number; sampled: Awaited<ReturnType<Sampling['end']>> }> {
  const taskQueue = `bench-${randomUUID()}`;
  const config = join(ROOT, 'bench/keep-last/vacuum.config.ts');
  const worker = await startWorkerProcess({ url, taskQueue, address, config });
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new TemporalClient({ connection });
    const inserting = await startInserting(url, groups);
    const sampling = await startSampling(url, groups);
    const begin = { taskQueue, workflowId: randomUUID(), args: [{}] };
    const report = (await workflow.execute('vacuum', begin)) as RunReport;
    const sampled = await sampling.end();
    const inserted = await inserting.end();
    if (report.status !== 'completed') throw new Error(`the run ended as ${report.status}`);
    return { report, inserted, sampled };
  } finally {
    await connection.close();
    await worker.end();
  }
}

async function startInserting(url: string, groups: number): Promise<{ end(): Promise<number> }> {
  const client = new Client(url);
  await client.connect();
  let inserted = 0;
  const over = new AbortController();
  const insert = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await client.query(
        `insert into result (job, at, text)
         select floor(random() * $1)::int, now(), 'new' from generate_series(1, ${INSERTED})`,
        [groups],
      );
      inserted += INSERTED;
      await sleep(REST_MILLIS);
    }
  };
  const done = insert();
  return {
    async end(): Promise<number> {
      over.abort();
      await done;
      await client.end();
      return inserted;
    },
  };
}
