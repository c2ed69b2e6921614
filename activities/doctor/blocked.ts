import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import { readGuardState } from '../ledger/guards.ts';
import type { Finding } from './finding.ts';

/** Reports a policy that guards have blocked, to whoever wonders why no run begins. */
export async function examineBlocked({ ledger }: Database, { name }: Policy): Promise<Finding[]> {
  if ((await ledger.version()) !== 'current') return [];
  const state = await readGuardState(ledger, name);
  if (state === undefined || state.blocked === null) return [];
  return [
    {
      about: 'guards',
      state: 'problem',
      what: `policy ${name} is blocked since ${state.blockedAt ?? ''}: ${state.blocked.join('; ')}`,
      fix: `Make sure that this is the database to clean, then \`temporal-vacuum acknowledge ${name}\``,
    },
  ];
}
