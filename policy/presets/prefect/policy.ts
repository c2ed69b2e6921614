import type { Pass } from '../../pass.ts';
import type { Policy } from '../../policy.ts';
import { definePolicy } from '../../policy.ts';
import { reclaimSpace } from '../../reclaim-space.ts';
import type { EnabledWord } from './enabled.ts';
import {
  Artifact,
  ArtifactCollection,
  Deployment,
  Event,
  EventResource,
  Flow,
  FlowRun,
  Log,
  TaskRun,
  TaskRunState,
  TaskRunStateCache,
  WorkPool,
  WorkQueue,
} from './entities/index.ts';
import { parseSettings } from './environment-variables.ts';
import { eventPasses } from './event-passes.ts';
import { flowRunPasses } from './flow-run-passes.ts';
import { logPasses } from './log-passes.ts';
import { orphansOfFlowRuns, orphansOfTaskRuns } from './orphan-passes.ts';
import type { ParsedSettings, PrefectSettings } from './settings.ts';
import { taskRunPasses } from './task-run-passes.ts';

const ENTITIES = [
  FlowRun,
  TaskRun,
  TaskRunState,
  TaskRunStateCache,
  Log,
  Artifact,
  ArtifactCollection,
  Event,
  EventResource,
  Flow,
  Deployment,
  WorkPool,
  WorkQueue,
];

/**
 * The policy for a self-hosted Prefect 3 server: everything that grows in its database has a retention. Flow runs and
 * background task runs with everything that hangs on them, events, logs, and what is left of deleted rows.
 *
 * Settings that are not given come from the environment under Prefect's own names, then from the defaults of
 * {@link PrefectSettings}. Throws one error that lists every setting that cannot be used.
 */
export function prefect(
  settings: PrefectSettings = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Policy {
  const parsed = parseSettings(settings, environment);
  const { cron, timezone, sliceBatches } = parsed;
  return definePolicy({
    name: 'prefect',
    entities: ENTITIES,
    passes: enabledPasses(parsed),
    enabled: parsed.enabled.size > 0,
    schedule:
      cron === undefined
        ? { every: parsed.loopMillis }
        : { cron, ...(timezone === undefined ? {} : { timezone }) },
    slice: {
      seconds: parsed.sliceSeconds,
      ...(sliceBatches === undefined ? {} : { batches: sliceBatches }),
    },
    batchSize: parsed.batchSize,
    batchTarget: parsed.batchTargetMillis,
    batchPause: parsed.batchPauseMillis,
    shards: parsed.shards,
    limits: parsed.limits,
  });
}

/** Nothing switched on leaves all passes in, so that the policy can be previewed. */
function enabledPasses(settings: ParsedSettings): Pass[] {
  const { enabled } = settings;
  const has = (word: EnabledWord): boolean => enabled.size === 0 || enabled.has(word);
  const runs = has('flow_runs');
  const orphans = runs || has('orphans');
  return [
    ...(orphans ? orphansOfFlowRuns(settings) : []),
    ...(runs ? [...flowRunPasses(settings), ...taskRunPasses(settings)] : []),
    ...(orphans ? orphansOfTaskRuns(settings) : []),
    ...(runs ? logPasses(settings) : []),
    ...(has('events') ? eventPasses(settings) : []),
    ...reclaimPasses(settings),
  ];
}

function reclaimPasses({ reclaim, reclaimWindow, timezone }: ParsedSettings): Pass[] {
  if (reclaim === 'off') return [];
  return [
    reclaimSpace({
      name: 'reclaim-space',
      mode: reclaim,
      ...(timezone === undefined ? {} : { timezone }),
      ...(reclaimWindow === undefined ? {} : { window: reclaimWindow }),
    }),
  ];
}
