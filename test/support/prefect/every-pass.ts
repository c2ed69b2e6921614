import type { Policy } from '../../../policy/policy.ts';
import { prefectPolicy } from '../vacuum.ts';
import { RETENTION } from './retention.ts';

/** The preset with all that it can do switched on, at the boundaries of rows of every kind. */
export function everyPass(): Policy {
  return prefectPolicy({ retentionPeriod: RETENTION.runs, orphanGrace: RETENTION.grace });
}

/** The names of its passes, in their order. */
export function everyPassNames(): string[] {
  return everyPass().passes.map(({ name }) => name);
}
