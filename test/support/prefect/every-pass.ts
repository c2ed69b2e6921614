import type { Policy } from '../../../policy/policy.ts';
import { prefectPolicy } from '../vacuum.ts';
import { HEARTBEAT, RETENTION } from './retention.ts';

/** The preset with all that it can do switched on, at the boundaries of rows of every kind. */
export function everyPass(): Policy {
  return prefectPolicy({
    retentionPeriod: RETENTION.runs,
    orphanGrace: RETENTION.grace,
    oldSubflows: true,
    eventRetentionPeriod: RETENTION.events,
    eventRetentionOverrides: { [HEARTBEAT]: RETENTION.heartbeats, 'acme.*': RETENTION.acme },
    logRetention: RETENTION.logs,
    logRetentionByLevel: { DEBUG: RETENTION.debugLogs, ERROR: RETENTION.errorLogs },
  });
}

/** The names of its passes, in their order. */
export function everyPassNames(): string[] {
  return everyPass().passes.map(({ name }) => name);
}
