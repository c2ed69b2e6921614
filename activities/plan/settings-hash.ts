import { createHash } from 'node:crypto';

import type { FrozenPass } from '../passes/index.ts';

/** What differs from run to run of the same settings: statistics, and what the search path makes of names. */
const OF_THE_RUN: ReadonlySet<string> = new Set(['familySize', 'keys', 'label', 'indexed']);

/**
 * A hash of what decides which rows a pass deletes: everything it was frozen to, with each horizon as its distance from
 * the begin of the run. A preview and a run with the same hash are about the same rows, as they are at their time.
 */
export function hashOf(frozen: FrozenPass, now: string): string {
  const text = JSON.stringify(frozen, (key, value: unknown) => {
    if (key === 'horizon' && typeof value === 'string') return Date.parse(now) - Date.parse(value);
    return OF_THE_RUN.has(key) ? undefined : value;
  });
  return createHash('sha256').update(text).digest('hex');
}
