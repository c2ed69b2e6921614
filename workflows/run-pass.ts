import { workflowInfo } from '@temporalio/workflow';

import type { PlannedPass } from '../activities/contract.ts';
import { deleting } from './activities.ts';
import type { Control } from './control.ts';
import type { PassState, RunState } from './state.ts';
import { beginRound, keepSlice, rowsOfRound } from './state.ts';

/**
 * Runs one pass: its shards beside one another, slice after slice; once more, a round, where deleting made more rows
 * eligible. Returns whether the pass is done; it is not if the control says to leave.
 */
export async function runPass(state: RunState, control: Control, show: () => void): Promise<boolean> {
  const planned = state.plan.passes[state.pass];
  const pass = state.passes[state.pass];
  if (planned === undefined || pass === undefined) throw new Error(`no pass ${state.pass} in the plan`);
  pass.status = 'running';
  pass.startedAt ??= Date.now();
  if (pass.round === 0) beginRound(pass, planned);
  show();
  for (;;) {
    await runRound(state, planned, pass, control, show);
    if (!pass.shards.every((shard) => shard.done)) return false;
    if (!planned.repeats || rowsOfRound(pass) === 0) return true;
    beginRound(pass, planned);
  }
}

/** The slices of a round begin short, so that its progress is known soon, in seconds; then they are what the plan says. */
const FIRST_SLICES = [0.5, 5];

async function runRound(
  state: RunState,
  planned: PlannedPass,
  pass: PassState,
  control: Control,
  show: () => void,
): Promise<void> {
  const failed: unknown[] = [];
  await Promise.all(
    pass.shards.map(async (_, shard) => {
      try {
        await runShard(state, planned, pass, shard, control, failed, show);
      } catch (error) {
        failed.push(error);
        // The other shards of the pass end after their batch; no slice of a failed pass is left behind.
        control.interrupt();
      }
    }),
  );
  if (failed.length > 0) throw failed[0];
}

async function runShard(
  state: RunState,
  planned: PlannedPass,
  pass: PassState,
  shard: number,
  control: Control,
  failed: readonly unknown[],
  show: () => void,
): Promise<void> {
  const { run, policy, database, sliceSeconds } = state.plan;
  const request = { run, policy, database, pass: state.pass, shard, round: pass.round };
  const part = planned.shards === 1 ? '' : `, part ${shard + 1} of ${planned.shards}`;
  const level = pass.round === 1 ? '' : `, level ${pass.round}`;
  const options = {
    summary: `${describeKind(planned)}: ${planned.name}${part}${level}`,
    // A slice may overrun its budget by one batch with its setbacks, and by the rest after it.
    startToCloseTimeout: (sliceSeconds + (planned.stepSeconds ?? 0) + 180) * 1000,
  };
  // A pause takes effect between tables: hours of a rewrite that is cancelled are lost.
  const pausable = planned.scan !== 'tables';
  while (!pass.shards[shard]?.done && (await control.waitWhilePaused()) && failed.length === 0) {
    const seconds = Math.min(sliceSeconds, FIRST_SLICES[pass.shards[shard]?.slices ?? 0] ?? sliceSeconds);
    const result = await control.interruptible(
      async () => deleting['vacuum.runSlice'].executeWithOptions(options, [{ ...request, seconds }]),
      { pausable },
    );
    if (result !== undefined) keepSlice(state, pass, shard, result);
    show();
    if (workflowInfo().continueAsNewSuggested) control.leave('continue-as-new');
    else if (result?.limit !== undefined) await control.applyLimit(result.limit, show);
  }
}

/** `expireRows` as `expire rows`. */
function describeKind({ kind }: PlannedPass): string {
  return kind.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
