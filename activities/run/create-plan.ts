import { formatDuration, parseDuration } from '../../policy/duration.ts';
import type { Policy } from '../../policy/policy.ts';
import type { OpenRun, Plan, RunPass, RunSettings, StoredLimits } from '../stored/run.ts';
import { narrow } from './narrow-limits.ts';

/** A statement on a whole table may take so many seconds: a table that takes longer is rewritten by hand. */
const MAX_STATEMENT_SECONDS = 7 * 24 * 3600;

/** Creates what a run stores of a policy and its plan. */
export function createSettings(
  policy: Policy,
  database: string,
  passes: readonly RunPass[],
  limits: StoredLimits = narrow(policy.limits),
): RunSettings {
  const { seconds = 20, batches } = policy.slice;
  return {
    plan: {
      policy: policy.name,
      database,
      sliceSeconds: seconds,
      passes: passes.map(({ name, kind, plan, stored }) => ({
        name,
        kind,
        scan: plan.scan,
        shards: plan.shards.length,
        ...(stored === null ? { notApplicable: true } : {}),
        estimate: plan.estimate,
        dependsOn: policy.passes.find((pass) => pass.name === name)?.dependsOn ?? [],
        repeats: stored?.repeats === true,
        ...(plan.scan === 'tables' ? { stepSeconds: MAX_STATEMENT_SECONDS } : {}),
      })),
    },
    maxRows: policy.batchSize === 'auto' ? null : policy.batchSize,
    targetMillis: parseDuration(policy.batchTarget) ?? 100,
    pauseMillis: parseDuration(policy.batchPause) ?? 0,
    sliceSeconds: seconds,
    sliceBatches: batches ?? null,
    limits,
  };
}

/** Creates the plan that a workflow goes by from what its run stores. */
export function toPlan({ id, startedAt, settings }: OpenRun): Plan {
  const { maxMillis } = settings.limits;
  if (maxMillis === null) return { ...settings.plan, run: id, startedAt };
  const at = new Date(Date.parse(startedAt) + maxMillis).toISOString();
  const reason = `limit maxDuration ${formatDuration(maxMillis)} reached: paused for longer`;
  return { ...settings.plan, run: id, startedAt, end: { at, reason } };
}
