import type { Policy } from '../../policy/policy.ts';
import type { Databases } from '../ledger/databases.ts';

/** What the activities of a worker share. */
export interface RunContext {
  readonly policies: readonly Policy[];
  readonly databases: Databases;
  /** The percent of a table that runs may delete if that is more than their policy allows; 0 if nobody set it. */
  readonly allowPercent: number;
  /** The Temporal that runs the activities: cluster and namespace. */
  readonly findTemporal: () => Promise<string>;
}
