import { Client } from 'pg';

import type { Measurement } from '../measure.ts';
import { around } from '../measure.ts';

/**
 * The common loop: `delete ... where id in (select ... limit 200)`, committed each, until nothing is left. Cut off
 * after some seconds, which flatters it: it becomes slower, since each select steps over what was deleted before.
 */
export async function measureLoop(
  url: string,
  contender: string,
  loop: readonly string[],
  mostSeconds: number,
): Promise<Measurement> {
  const client = new Client(url);
  await client.connect();
  let longest = 0;
  let cutOff = false;
  const { seconds, rows, walMegabytes } = await around(client, async () => {
    const until = performance.now() + mostSeconds * 1000;
    for (const statement of loop) {
      for (let deleted = 1; deleted > 0;) {
        const start = performance.now();
        deleted = (await client.query(statement)).rowCount ?? 0;
        longest = Math.max(longest, performance.now() - start);
        if (performance.now() > until) {
          cutOff = true;
          return;
        }
      }
    }
  });
  await client.end();
  return {
    contender,
    seconds,
    rows,
    cutOff,
    longestTransactionMillis: longest,
    walMegabytes,
    workerMebibytes: null,
    historyEvents: null,
    lastTenthOverFirst: null,
    etaErrorAtTenth: null,
    idleSeconds: null,
  };
}
