import { createHash } from 'node:crypto';

import type { StoredPass } from '../stored/pass.ts';
import type { CascadeStep } from '../stored/row-tree.ts';

/** What differs from run to run of the same settings: statistics, indexes, ids, and what the search path makes of names. */
const OF_THE_RUN: ReadonlySet<string> = new Set([
  'rowsPerParent',
  'keys',
  'label',
  'indexed',
  'ageIndex',
  'fingerprint',
  'known',
  'triggered',
]);

/**
 * A hash of what decides which rows a pass deletes: all that is stored of it, with each horizon as its distance from the
 * start of the run, unless the distance has no fixed length: then its period is part of the hash, or what it is the latest of. A
 * preview and a run with the same hash are about the same rows, as they are at their time: also if they find other partitions.
 */
export function hashSettings(stored: StoredPass, now: string): string {
  return hash({ ...stored, tables: undefined, leaves: undefined }, (horizon, owner) =>
    'retentions' in owner || 'period' in owner ? undefined : Date.parse(now) - Date.parse(horizon),
  );
}

/**
 * A hash of what a pass found in the database, whatever the time: two with the same hash delete rows of the same kind. A
 * partition stands for its table, so that it does not matter which partitions there are.
 */
export function hashFound(stored: StoredPass): string {
  return hash(joinPartitions({ ...stored, leaves: undefined }), () => undefined);
}

/** What follows from the rest: which tables are counted, and in which order rows are drained. */
const DERIVED: ReadonlySet<string> = new Set(['counted', 'drainOrder']);

/** Tables in place of their partitions; of what is the same then, one is left. */
function joinPartitions<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const list = (isCascades(value) ? listWays(value) : value).map((one) => joinPartitions<unknown>(one));
    if (list.some((one) => typeof one !== 'object')) return list as T;
    return [...new Map(list.map((one) => [JSON.stringify(sortKeys(one)), one])).values()] as T;
  }
  if ('partitionRoot' in value) return { partitionRoot: value.partitionRoot } as T;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, DERIVED.has(key) ? null : joinPartitions<unknown>(one)]),
  ) as T;
}

function isCascades(list: readonly unknown[]): list is CascadeStep[] {
  return list.some(
    (one) => typeof one === 'object' && one !== null && 'from' in one && typeof one.from === 'number',
  );
}

/** Each step with all above it, whatever their numbers. */
function listWays(steps: readonly CascadeStep[]): object[] {
  return steps.map((_, n) => {
    const way: object[] = [];
    for (let at = n; at >= 0; at = steps[at]?.from ?? -1) {
      way.unshift({ ...steps[at], from: null });
    }
    return { way };
  });
}

function hash(stored: object, writeHorizon: (horizon: string, owner: object) => unknown): string {
  const text = JSON.stringify(stored, function replace(this: object, key, value: unknown) {
    if (key === 'horizon' && typeof value === 'string') return writeHorizon(value, this);
    return OF_THE_RUN.has(key) ? undefined : sortKeys(value);
  });
  return createHash('sha256').update(text).digest('hex');
}

/** The ledger of PostgreSQL does not keep the order of keys. */
function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
