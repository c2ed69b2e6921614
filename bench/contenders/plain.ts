import { Client } from 'pg';

import type { BenchCase } from '../bench-case.ts';
import type { Measurement } from '../measure.ts';
import { around } from '../measure.ts';

/** One DELETE a table, in dependency order, each its own transaction. */
export async function measurePlain(url: string, { plain }: BenchCase): Promise<Measurement> {
  const client = new Client(url);
  await client.connect();
  let longest = 0;
  const { seconds, rows, walMegabytes } = await around(client, async () => {
    for (const statement of plain) {
      const start = performance.now();
      await client.query(statement);
      longest = Math.max(longest, performance.now() - start);
    }
  });
  await client.end();
  return {
    contender: 'plain DELETEs',
    seconds,
    rows,
    cutOff: false,
    longestTransactionMillis: longest,
    walMegabytes,
    workerMebibytes: null,
    historyEvents: null,
    lastTenthOverFirst: null,
    idleSeconds: null,
  };
}
