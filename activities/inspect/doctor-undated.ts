import { formatCount } from '../../policy/count-nouns.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Tx } from '../dialect/dialect.ts';
import { readDatabaseError } from '../dialect/read-error.ts';
import type { Database } from '../ledger/database.ts';
import { findKind } from '../passes/index.ts';
import type { ResolvedPolicy } from '../plan/resolve-policy.ts';
import { LOOK_UP_LIMITS, resolvePolicy } from '../plan/resolve-policy.ts';
import { findUndated } from '../steps/condition-parts.ts';
import type { Finding } from './finding.ts';

/** Rows that passes mean and that have no age, found in samples of their tables: they never expire, and nothing else says so. */
export async function examineUndated(
  { session }: Pick<Database, 'session'>,
  policy: Policy,
): Promise<Finding[]> {
  const names = policy.passes.map(({ name }) => name);
  try {
    return await session.snapshot(LOOK_UP_LIMITS, async (tx) => {
      const resolved = await resolvePolicy(tx, policy, names, 'preview');
      const findings: Finding[] = [];
      for (const pass of resolved.passes) findings.push(...(await examinePass(tx, pass, resolved)));
      return findings;
    });
  } catch (error) {
    // Other findings say what is wrong with the policy or the database. A sample that takes too long tells nothing.
    if (error instanceof ValidationError || readDatabaseError(error) !== undefined) return [];
    throw error;
  }
}

async function examinePass(
  tx: Tx,
  { pass, stored }: ResolvedPolicy['passes'][number],
  { catalog }: ResolvedPolicy,
): Promise<Finding[]> {
  const kind = findKind(pass.kind);
  const table = catalog.named(stored.table);
  if (!('runBatch' in kind) || kind.condition === undefined || table === undefined) return [];
  const view = tx.view();
  const where = findUndated(kind.condition(stored, view), view);
  if (where === undefined) return [];
  const [sample] = await tx.tables.sample(table, [{ where, parts: 1 }]);
  const rows = Math.round(sample?.rows ?? 0);
  if (rows === 0) return [];
  const isAll = rows >= (sample?.tableRows ?? Infinity);
  return [
    {
      about: `pass ${pass.name}`,
      state: 'advice',
      what: `matching rows without an age, which never expire: ${isAll ? 'all of its table' : `about ${formatCount(rows)}`}`,
      fix: 'If they should, name a second property in age, which counts if the first is null, or expire them by another pass',
    },
  ];
}
