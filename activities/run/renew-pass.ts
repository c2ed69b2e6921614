import { ApplicationFailure } from '@temporalio/common';

import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../ledger/database.ts';
import { checkAgainst } from '../plan/resolve-policy.ts';
import { hashFound } from '../plan/settings-hash.ts';
import { findLeaf } from '../steps/leaf-partitions.ts';
import type { KnownTable, StoredPass } from '../stored/pass.ts';
import type { OpenRun } from '../stored/run.ts';
import type { BatchShard } from './batch.ts';
import { FAILURE } from './failure.ts';

/** What a run decides when it starts. */
const KEPT: ReadonlySet<string> = new Set(['horizon', 'rowsPerParent', 'keys', 'ageIndex']);

/**
 * After a batch failed since the schema changed: looks up the pass anew, and returns it with what the tables are by now if
 * it finds the same as the run started with, by which the same rows are deleted. Most changes are of that kind, also a new
 * column and a new partition of a table that a foreign key reaches: its rows are counted from then on. Throws the error of the batch if it
 * finds anything else, and any error of another kind.
 */
export async function renewPass<A extends BatchShard>(
  { session }: Pick<Database, 'session'>,
  policy: Policy | undefined,
  { settings }: Pick<OpenRun, 'settings'>,
  at: A,
  error: unknown,
): Promise<A> {
  if (!(error instanceof ApplicationFailure) || error.type !== FAILURE.changed || policy === undefined)
    throw error;
  const names = settings.plan.passes.map(({ name }) => name);
  const resolved = await checkAgainst(session, policy, names, 'execute').catch((reason: unknown) => {
    throw reason instanceof ValidationError ? error : reason;
  });
  const found = resolved.passes.find(({ pass }) => pass.name === at.passName)?.stored;
  if (found?.fingerprint === undefined || hashFound(found) !== hashFound(at.stored)) throw error;
  if (!areSameTables(found.known, at.stored.known)) throw error;
  const leaves = keepLeaves(found, at.stored);
  if (leaves === 'changed') throw error;
  const { leaves: _, ...whole } = found;
  const stored: StoredPass = { ...keepTimes(whole, at.stored), ...(leaves === undefined ? {} : { leaves }) };
  await session.ledger.runs.storeRenewed(at.key.run, at.key.pass, stored);
  return { ...at, stored };
}

/** Whether no other table has the name of one, and no other column that of a column. */
function areSameTables(found: readonly KnownTable[] = [], started: readonly KnownTable[] = []): boolean {
  return started.every(({ table, id, columns }) => {
    const now = found.find((other) => other.table.label === table.label);
    if (now?.id !== id) return false;
    return Object.entries(columns).every(([name, number]) => (now.columns[name] ?? number) === number);
  });
}

/** The partitions that the run started with and that are still there, as they are now. Others are left to the next run. */
function keepLeaves(found: StoredPass, started: StoredPass): StoredPass[] | undefined | 'changed' {
  if (started.leaves === undefined) return undefined;
  const kept: StoredPass[] = [];
  for (const before of started.leaves) {
    const now = findLeaf(found, before.table);
    if (now === undefined) continue;
    if (hashFound(now) !== hashFound(before)) return 'changed';
    kept.push(keepTimes(now, before));
  }
  return kept;
}

/** A pass as it is found now, with the horizons and the estimates that the run started with. */
function keepTimes<T>(found: T, started: unknown): T {
  if (typeof found !== 'object' || found === null) return found;
  if (typeof started !== 'object' || started === null) return found;
  const before = started as Readonly<Record<string, unknown>>;
  if (Array.isArray(found)) return found.map((value, n) => keepTimes<unknown>(value, before[n])) as T;
  const kept = Object.entries(found).map(([key, value]) => [
    key,
    KEPT.has(key) ? before[key] : keepTimes<unknown>(value, before[key]),
  ]);
  return Object.fromEntries(kept) as T;
}
