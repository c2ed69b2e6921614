import type { Mistake } from '../../policy/mistake.ts';
import type { Database } from '../database/database.ts';
import type { Seen } from '../ledger/guards.ts';
import type { Examined } from './armed.ts';
import { examineArmed } from './armed.ts';
import { examineClocks } from './clock.ts';
import { examineHolds } from './holds.ts';
import type { Intent } from './sizes.ts';
import { examineSizes } from './sizes.ts';

/** What guards say of a run before its first batch. */
export interface Verdict {
  /** Empty where the run may begin. */
  readonly tripped: readonly Mistake[];
  readonly seen: Seen;
}

/** Asks every guard whether a run may begin. Sizes only where database and clocks are what they should be. */
export async function examineRun(database: Database, run: Intent & Examined): Promise<Verdict> {
  const armed = await examineArmed(database, run);
  const first = [
    ...armed.tripped,
    ...(await examineClocks(database.db)),
    ...(await examineHolds(database, run)),
  ];
  const tripped = first.length > 0 ? first : await examineSizes(database, run);
  return { tripped, seen: armed.seen };
}
