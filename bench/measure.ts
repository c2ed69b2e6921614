import { readFileSync } from 'node:fs';

import type { Client } from 'pg';

/** What one contender took for one case. */
export interface Measurement {
  readonly contender: string;
  readonly seconds: number;
  /** Rows deleted, cascades included. */
  readonly rows: number;
  /** The whole was not waited for: the figures are of what was done in the time. */
  readonly cutOff: boolean;
  readonly longestTransactionMillis: number;
  readonly walMegabytes: number;
  readonly workerMebibytes: number | null;
  readonly historyEvents: number | null;
  /** Time per row in the last tenth of the rows over that in the first. */
  readonly lastTenthOverFirst: number | null;
  /** How far off the ETA was after a tenth of the work, as a part of the time that was left. */
  readonly etaErrorAtTenth: number | null;
  /** Seconds of a second run, which finds nothing to do. */
  readonly idleSeconds: number | null;
}

/** Measures WAL and deleted rows of a database while work is done. */
export async function around<T>(
  client: Client,
  work: () => Promise<T>,
): Promise<{ done: T; seconds: number; walMegabytes: number; rows: number }> {
  const before = await count(client);
  const wal = await value<string>(client, 'select pg_current_wal_lsn()::text');
  const start = performance.now();
  const done = await work();
  const seconds = (performance.now() - start) / 1000;
  const walBytes = await value<string>(client, `select pg_wal_lsn_diff(pg_current_wal_lsn(), '${wal}')`);
  return { done, seconds, walMegabytes: Number(walBytes) / 1e6, rows: before - (await count(client)) };
}

/** The most memory that a process had so far, as the kernel counts it. */
export function peakMebibytes(pid: number): number | null {
  try {
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? null : Number(peak) / 1024;
  } catch {
    // Only Linux tells.
    return null;
  }
}

const TABLES = ['flow_run', 'flow_run_state', 'task_run', 'task_run_state', 'log', 'artifact'];

async function count(client: Client): Promise<number> {
  const counts = TABLES.map((table) => `(select count(*) from ${table})`);
  return Number(await value(client, `select ${counts.join(' + ')}`));
}

async function value<T>(client: Client, sql: string): Promise<T> {
  const { rows } = await client.query<Record<string, T>>(sql);
  return Object.values(rows[0] ?? {})[0] as T;
}
