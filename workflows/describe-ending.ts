import type { FinishRunRequest, RunStatus } from '../activities/contract.ts';
import type { Control } from './control.ts';
import type { RunState } from './state.ts';

/** Whether a pass that another one depends on is not done. */
export function failedPass({ plan, passes }: RunState, name: string): boolean {
  const status = passes[plan.passes.findIndex((pass) => pass.name === name)]?.status;
  return status === 'failed' || status === 'skipped';
}

/** How a run is to be closed. */
export function describeEnding(
  state: RunState,
  { leaving, stopReason }: Pick<Control, 'leaving' | 'stopReason'>,
  lost: string | undefined,
): FinishRunRequest {
  const reasons = state.plan.passes.flatMap(({ name }, n) => {
    const error = state.passes[n]?.error;
    return error === undefined ? [] : [`pass ${name}: ${error}`];
  });
  let status: RunStatus = reasons.length > 0 ? 'failed' : 'completed';
  if (leaving === 'stopped' || leaving === 'cancelled') status = leaving;
  if (status === 'stopped' && stopReason !== undefined) reasons.push(`stopped: ${stopReason}`);
  if (lost !== undefined) status = 'terminated';
  return {
    run: state.plan.run,
    database: state.plan.database,
    status,
    passes: state.passes.map(({ status: passStatus, error }) => {
      return { status: passStatus, ...(error === undefined ? {} : { error }) };
    }),
    reasons: lost === undefined ? reasons : [...reasons, lost],
    longestMillis: state.longestMillis,
  };
}
