import { createHash } from 'node:crypto';

import type { StoredPass } from '../stored/pass.ts';

/** What differs from run to run of the same settings: statistics, and what the search path makes of names. */
const OF_THE_RUN: ReadonlySet<string> = new Set(['rowsPerParent', 'keys', 'label', 'indexed', 'fingerprint']);

/**
 * A hash of what decides which rows a pass deletes: all that is stored of it, with each horizon as its distance from the
 * start of the run. A preview and a run with the same hash are about the same rows, as they are at their time.
 */
export function hashSettings(stored: StoredPass, now: string): string {
  const text = JSON.stringify(stored, (key, value: unknown) => {
    if (key === 'horizon' && typeof value === 'string') return Date.parse(now) - Date.parse(value);
    return OF_THE_RUN.has(key) ? undefined : value;
  });
  return createHash('sha256').update(text).digest('hex');
}
