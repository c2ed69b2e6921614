import type { Policy } from '../../policy/policy.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import { LOOK_UP_LIMITS, resolvePolicy } from '../plan/resolve-policy.ts';

/**
 * The tables from which no policy deletes, enabled or not. Throws a `ValidationError` if a policy does not fit the
 * database.
 */
export async function listUncovered(session: Session, policies: readonly Policy[]): Promise<string[]> {
  return session.snapshot(LOOK_UP_LIMITS, async (tx) => {
    const tables = await tx.survey.listTables();
    const covered = new Set<string>();
    for (const policy of policies) for (const label of await listCovered(tx, policy)) covered.add(label);
    // What is deleted of a partition is deleted of its table.
    const roots = new Set(
      tables.flatMap(({ label, partitionOf }) =>
        partitionOf !== null && covered.has(label) ? [partitionOf] : [],
      ),
    );
    return tables
      .filter(({ partitionOf }) => partitionOf === null)
      .map(({ label }) => label)
      .filter((label) => !covered.has(label) && !roots.has(label))
      .toSorted();
  });
}

async function listCovered(tx: Tx, policy: Policy): Promise<string[]> {
  const names = policy.passes.map(({ name }) => name);
  const { passes } = await resolvePolicy(tx, policy, names, 'preview');
  return passes.flatMap(({ stored }) => stored.counted.map(({ label }) => label));
}
