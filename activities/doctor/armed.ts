import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import { readGuardState } from '../ledger/guards.ts';
import type { Finding } from './finding.ts';

/** A policy that guards have disarmed: whoever wonders why no run begins finds it here. */
export async function examineArms({ ledger }: Database, { name }: Policy): Promise<Finding[]> {
  if ((await ledger.version()) !== 'current') return [];
  const state = await readGuardState(ledger, name);
  if (state === undefined || state.disarmed === null) return [];
  return [
    {
      about: 'guards',
      state: 'problem',
      what: `policy ${name} is disarmed since ${state.disarmedAt ?? ''}: ${state.disarmed.join('; ')}`,
      fix: `Make sure that this is the database to clean, then \`temporal-vacuum arm ${name}\``,
    },
  ];
}
