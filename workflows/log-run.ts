import { log } from '@temporalio/workflow';

import type { Plan, PlannedPass, RunReport } from '../activities/contract.ts';
import type { PassState } from './state.ts';
import { countRows } from './state.ts';

// One line at the begin and at the end of each run and pass, with the same facts as fields. Nothing is logged in a replay.

export function logRunBegin({ run, policy, passes }: Plan): void {
  log.info(`run ${run} of policy ${policy} begins: ${countNouns(passes.length, 'pass')}`, { run, policy });
}

export function logRunEnd({ run, policy, status, rows, millis, reasons, notes, holder }: RunReport): void {
  const name = run === null ? `a run of policy ${policy}` : `run ${run} of policy ${policy}`;
  const busy = holder === undefined ? [] : [`run ${holder.run} of workflow ${holder.workflowId} is open`];
  const why = [...reasons, ...busy].map((reason) => `; ${reason}`).join('');
  const done = run === null ? '' : `: ${countNouns(rows, 'row')} in ${seconds(millis)}`;
  const isGood = status === 'completed' || status === 'skipped' || status === 'stopped';
  const fields = { run, policy, status, rows, millis, reasons: [...reasons, ...busy], notes };
  log[isGood ? 'info' : 'warn'](`${name} ${status}${done}${why}`, fields);
}

/** A run that failed before it began, or could not be closed. */
export function logRunFailure(policy: string, type: string, reason: string): void {
  const what = type === 'VacuumGuard' ? 'was stopped by a guard' : 'failed';
  log.warn(`a run of policy ${policy} ${what}: ${reason}`, {
    policy,
    status: type === 'VacuumGuard' ? 'stopped-by-guard' : 'failed',
    type,
    reasons: [reason],
  });
}

export function logPassBegin({ run, policy }: Plan, { name: pass, kind }: PlannedPass): void {
  log.info(`run ${run} of policy ${policy}: pass ${pass} begins`, { run, policy, pass, kind });
}

export function logPassEnd({ run, policy }: Plan, { name: pass, kind }: PlannedPass, state: PassState): void {
  const { status, error, startedAt = Date.now(), endedAt = Date.now() } = state;
  const millis = endedAt - startedAt;
  const rows = countRows(state);
  const why = error === undefined ? '' : `; ${error}`;
  const fields = {
    run,
    policy,
    pass,
    kind,
    status,
    rows,
    millis,
    ...(error === undefined ? {} : { reasons: [error] }),
  };
  const level = status === 'failed' ? 'warn' : 'info';
  log[level](
    `run ${run} of policy ${policy}: pass ${pass} ${status}: ${countNouns(rows, 'row')} in ${seconds(millis)}${why}`,
    fields,
  );
}

function countNouns(count: number, noun: 'row' | 'pass'): string {
  const plural = noun === 'pass' ? 'passes' : 'rows';
  return `${count} ${count === 1 ? noun : plural}`;
}

function seconds(millis: number): string {
  return `${(millis / 1000).toFixed(1)} s`;
}
