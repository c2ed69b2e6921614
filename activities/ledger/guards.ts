import type { BlockedPolicy } from '../stored/guard.ts';
import type { Ledger } from './ledger.ts';

const LIMITS = { lockMillis: 10_000, statementMillis: 30_000 };

/**
 * Lets runs of a policy, or of all, start again. The next run remembers the database and the tables as it finds them.
 * Returns the policies that were blocked.
 */
export async function acknowledge(ledger: Ledger, policy?: string): Promise<BlockedPolicy[]> {
  return ledger.session.transaction(LIMITS, async (tx) => tx.ledger.guards.acknowledge(policy));
}
