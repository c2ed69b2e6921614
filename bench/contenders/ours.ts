import { randomUUID } from 'node:crypto';

import { Client as TemporalClient, Connection } from '@temporalio/client';
import { Client } from 'pg';

import type { RunReport, VacuumInput } from '../../activities/contract.ts';
import { startWorkerProcess } from '../../test/support/worker-process.ts';
import { ProgressLog } from '../eta.ts';
import type { Measurement } from '../measure.ts';
import { around, peakMebibytes } from '../measure.ts';

/** What {@link measureOurs} is to run. */
export interface OursOptions {
  /** Settings of the preset. */
  readonly settings: Readonly<Record<string, string>>;
  readonly input?: VacuumInput;
  /** Measure a second run too, which finds nothing to do. Default: yes. */
  readonly idle?: boolean;
}

/** The vacuum from end to end: a stand-alone worker, a workflow, the ledger and all. */
export async function measureOurs(url: string, options: OursOptions, address: string): Promise<Measurement> {
  const { settings, input = {}, idle = true } = options;
  const taskQueue = `bench-${randomUUID()}`;
  const worker = await startWorkerProcess({ url, taskQueue, address, settings, built: true });
  const connection = await Connection.connect({ address });
  const client = new Client(url);
  await client.connect();
  try {
    const temporal = new TemporalClient({ connection });
    const run = async (): Promise<{ report: RunReport; events: number; progress: ProgressLog }> => {
      const handle = await temporal.workflow.start('vacuum', {
        taskQueue,
        workflowId: randomUUID(),
        args: [input],
      });
      const progress = new ProgressLog(handle);
      const report = (await handle.result()) as RunReport;
      await progress.end();
      if (report.status !== 'completed') throw new Error(`our run ended as ${report.status}`);
      return { report, events: (await handle.describe()).historyLength, progress };
    };
    const { done, seconds, rows, walMegabytes } = await around(client, run);
    const workerMebibytes = worker.pid === undefined ? null : peakMebibytes(worker.pid);
    const lastTenthOverFirst = await tenths(client, done.report.run ?? 0);
    const etaErrorAtTenth = await done.progress.errorAtTenth(client, done.report.run ?? 0);
    const idleSeconds = idle ? (await around(client, run)).seconds : null;
    return {
      contender: 'ours, end to end',
      seconds,
      rows,
      cutOff: false,
      longestTransactionMillis: done.report.longestTransactionMillis ?? 0,
      walMegabytes,
      workerMebibytes,
      historyEvents: done.events,
      lastTenthOverFirst,
      etaErrorAtTenth,
      idleSeconds,
    };
  } finally {
    await client.end();
    await connection.close();
    await worker.end();
  }
}

/** Time per row in the last tenth of the rows over that in the first, from when the batches were written. */
async function tenths(client: Client, run: number): Promise<number | null> {
  const { rows } = await client.query<{ ratio: number | null }>(
    `with batch as (
       select at, at - millis * interval '1 ms' as began, sum(rows) over (order by at) as upto, sum(rows) over () as total
       from vacuum.batch
       where run_id = $1 and rows > 0
     ), edge as (
       select
         min(began) as begin, max(at) as end,
         min(at) filter (where upto >= 0.1 * total) as first, min(at) filter (where upto >= 0.9 * total) as last
       from batch
     )
     select (extract(epoch from "end" - last) / nullif(extract(epoch from first - begin), 0))::float8 as ratio from edge`,
    [run],
  );
  return rows[0]?.ratio ?? null;
}
