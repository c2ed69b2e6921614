import prettyMs from 'pretty-ms';

import { formatWindow } from '../../policy/window.ts';
import type { Reclaim, WholeReclaim } from '../dialect/reclaim.ts';
import type { StoredReclaimSpace } from '../stored/pass.ts';
import { countMillisLeft, explainSkip, reclaimTable } from './reclaim-table.ts';
import type { TableOutcome, TableStep } from './table-step.ts';

/** A rewrite that would give back less of the database is not worth that nobody writes meanwhile. */
const LEAST_UNUSED = 0.2;

/** Gives back the space of a database whose tables have no space of their own, as it was planned. */
export async function reclaimWhole(
  stored: StoredReclaimSpace,
  { session, run, pass, signal }: Pick<TableStep, 'session' | 'run' | 'pass' | 'signal'>,
  reclaim: Reclaim,
  plan: WholeReclaim,
): Promise<TableOutcome> {
  const { mode, window } = stored;
  if (plan.problem !== undefined) return leave(`the database file was left as it is: ${plan.problem}`);
  const least = mode === 'full' && !stored.named ? LEAST_UNUSED * plan.bytes : 1;
  if (plan.unusedBytes < least) return leave();
  const skip = await explainSkip(stored, plan.table, plan.neededBytes, () => plan.freeBytes);
  if (skip !== undefined) return { bytes: 0, notes: [skip] };
  const takes = prettyMs(plan.blockedMillis, { secondsDecimalDigits: 0 });
  if (plan.blockedMillis > countMillisLeft(window)) {
    const hours = window === null ? '' : ` ${formatWindow(window)}`;
    return leave(
      `the database file was left as it is: a rewrite takes about ${takes} and cannot be ended, and its window${hours} ends before. Start the run earlier or make the window longer`,
    );
  }
  return reclaimTable(session, reclaim, { run, pass, table: plan.table, mode }, stored, signal);
}

/** Nothing is done, for reasons that the run notes. */
function leave(...reasons: readonly string[]): TableOutcome {
  return { bytes: 0, notes: reasons.map((what) => ({ what })) };
}
