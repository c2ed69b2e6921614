import { setTimeout as sleep } from 'node:timers/promises';

import type { Holds } from '../dialect/view.ts';
import type { Ledger } from './ledger.ts';

/** As if there were no holds, for those who may not look. */
export const NO_HOLDS: Holds = { rows: [] };

const POLL_MILLIS = 20;

/**
 * Waits until no transaction is open that may not know of a hold that was just added. Every batch reads the holds when it
 * starts: only those that are open now can have missed it. New ones are not kept waiting. Returns false if some are still
 * open after the time.
 */
export async function waitForEarlierBatches(ledger: Ledger, millis: number): Promise<boolean> {
  const { holds } = ledger.session.ledger;
  const until = performance.now() + millis;
  let earlier = await holds.findReaders();
  while (earlier.length > 0 && performance.now() < until) {
    await sleep(POLL_MILLIS);
    const now = new Set(await holds.findReaders());
    earlier = earlier.filter((transaction) => now.has(transaction));
  }
  return earlier.length === 0;
}
