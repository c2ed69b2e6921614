import { formatDuration } from '../../policy/duration.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../ledger/database.ts';
import { readLastRuns } from '../ledger/last-runs.ts';
import type { EndedRun } from '../ledger/last-runs.ts';
import type { RunStatus } from '../stored/run.ts';
import type { Finding } from './finding.ts';

const ENDS: Partial<Record<RunStatus, string>> = {
  stopped: 'was stopped',
  'stopped-by-guard': 'was stopped by a guard',
  cancelled: 'was cancelled',
  terminated: 'was terminated',
};

/** Tells how long ago a run of the policy completed: if nobody works nothing fails, and nobody notices. */
export async function examineLastRun({ ledger }: Database, { name }: Policy): Promise<Finding[]> {
  const [runs] = await readLastRuns(ledger, [name]);
  const about = 'last run';
  if (runs === undefined || runs.last === null) return [{ about, state: 'ok', what: 'none has ended yet' }];
  const { last, completed } = runs;
  if (completed?.run === last.run) return [{ about, state: 'ok', what: describeEnd(last) }];
  const success = completed === null ? 'none has completed' : `of those before, ${describeEnd(completed)}`;
  const fix = `\`temporal-vacuum history ${last.run}\` says why`;
  return [{ about, state: 'advice', what: `${describeEnd(last)}; ${success}`, fix }];
}

function describeEnd({ run, status, endedAt }: EndedRun): string {
  const ago = formatDuration(Math.max(0, Date.now() - Date.parse(endedAt)));
  return `run ${run} ${ENDS[status] ?? status} ${ago} ago`;
}
