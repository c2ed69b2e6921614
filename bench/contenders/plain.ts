import { Client } from 'pg';

import type { BenchCase } from '../bench-case.ts';
import type { Measurement } from '../measure.ts';
import { around } from '../measure.ts';
import { runStatements } from './statements.ts';

/** One DELETE a table, in dependency order, each its own transaction. */
export async function measurePlain(url: string, { plain }: BenchCase): Promise<Measurement> {
  const client = new Client(url);
  await client.connect();
  const { done, seconds, rows, walMegabytes } = await around(client, async () => runStatements(url, plain));
  await client.end();
  return {
    contender: 'plain DELETEs',
    seconds,
    rows,
    cutOff: false,
    longestTransactionMillis: done.longestMillis,
    walMegabytes,
    workerMebibytes: null,
    historyEvents: null,
    lastTenthOverFirst: null,
    etaErrorAtTenth: null,
    idleSeconds: null,
  };
}
