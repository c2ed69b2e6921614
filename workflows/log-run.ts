import type { ApplicationFailure } from '@temporalio/workflow';
import { log } from '@temporalio/workflow';

import type { Plan, PlannedPass, RunReport } from '../activities/contract.ts';
import type { RunEnding } from './read-end.ts';
import type { PassState } from './state.ts';
import { countRows } from './state.ts';

// One line at the begin and at the end of each run and pass, with the same facts as fields. Nothing is logged in a replay.

export function logRunBegin({ run, policy, passes }: Plan): void {
  log.info(`run ${run} of policy ${policy} begins: ${countNouns(passes.length, 'pass')}`, { run, policy });
}

/** Its number is known at the end. */
export function logPreviewBegin(policy: string | undefined): void {
  log.info(`a preview of ${policy === undefined ? 'the only policy' : `policy ${policy}`} begins`, {
    policy,
  });
}

export function logRunEnd(report: RunReport): void {
  const { run, policy, mode, status, rows, millis, reasons, notes, holder } = report;
  const what = mode === 'preview' ? 'preview' : 'run';
  const name = run === null ? `a ${what} of policy ${policy}` : `${what} ${run} of policy ${policy}`;
  const busy = holder === undefined ? [] : [`run ${holder.run} of workflow ${holder.workflowId} is open`];
  const why = [...reasons, ...busy].map((reason) => `; ${reason}`).join('');
  const done = run === null ? '' : `: ${countNouns(rows, 'row')} in ${seconds(millis)}`;
  const isGood = status === 'completed' || status === 'skipped' || status === 'stopped';
  const fields = { run, policy, status, rows, millis, reasons: [...reasons, ...busy], notes };
  log[isGood ? 'info' : 'warn'](`${name} ${status}${done}${why}`, fields);
}

/** A run that failed before it began, or could not be closed. */
export function logRunFailure(
  { run = null, policy, status = 'failed' }: Partial<RunEnding> & { readonly policy: string },
  { type, message }: Pick<ApplicationFailure, 'type' | 'message'>,
): void {
  const what = status === 'stopped-by-guard' ? 'was stopped by a guard' : 'failed';
  const name = run === null ? `a run of policy ${policy}` : `run ${run} of policy ${policy}`;
  log.warn(`${name} ${what}: ${message}`, { run, policy, status, type, reasons: [message] });
}

export function logPassSkipped({ run, policy }: Plan, { name: pass, kind, dependsOn }: PlannedPass): void {
  const why = `it depends on ${dependsOn.join(', ')}, of which one failed`;
  const fields = { run, policy, pass, kind, status: 'skipped', reasons: [why] };
  log.warn(`run ${run} of policy ${policy}: pass ${pass} skipped; ${why}`, fields);
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
