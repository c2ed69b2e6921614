import { deleteOrphans } from '../../delete-orphans.ts';
import { expireRows, softChild } from '../../expire-rows.ts';
import { latestPointer } from '../../latest-pointer.ts';
import type { Pass } from '../../pass.ts';
import type { Policy } from '../../policy.ts';
import { definePolicy } from '../../policy.ts';
import { repointLatest } from '../../repoint-latest.ts';
import { Artifact, ArtifactCollection, FlowRun, Log, TERMINAL_STATE_TYPES } from './entities/index.ts';
import type { ParsedSettings, PrefectSettings } from './settings.ts';
import { parseSettings } from './settings.ts';

/** Each collection row is a copy of the newest artifact of its key, by creation. */
const latestArtifact = latestPointer({
  holder: ArtifactCollection,
  pointer: 'latestId',
  target: Artifact,
  group: 'key',
  newest: 'created',
  copy: ['type', 'data', 'metadata', 'description', 'flowRunId', 'taskRunId', 'created', 'updated'],
});

/**
 * The policy for a self-hosted Prefect 3 server: orphaned logs, orphaned artifacts, stale artifact collections, and
 * old flow runs with everything that hangs on them.
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
    entities: [FlowRun, Log, Artifact, ArtifactCollection],
    passes: enabledPasses(parsed),
    enabled: parsed.enabled.has('flow_runs') || parsed.enabled.has('orphans'),
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
  });
}

/** Nothing switched on leaves all passes in, so that the policy can be previewed. */
function enabledPasses({ enabled, retentionMillis, graceMillis }: ParsedSettings): Pass[] {
  const orphans = [
    deleteOrphans({
      name: 'orphaned-logs',
      entity: Log,
      by: 'flowRunId',
      parent: FlowRun,
      age: 'timestamp',
      grace: graceMillis,
    }),
    deleteOrphans({
      name: 'orphaned-artifacts',
      entity: Artifact,
      by: 'flowRunId',
      parent: FlowRun,
      age: 'created',
      grace: graceMillis,
      repoint: [latestArtifact],
    }),
    repointLatest({ name: 'stale-artifact-collections', pointer: latestArtifact }),
  ];
  const runs = expireRows({
    name: 'old-flow-runs',
    entity: FlowRun,
    age: 'endTime',
    olderThan: retentionMillis,
    where: { stateType: { $in: [...TERMINAL_STATE_TYPES] } },
    nestedBy: 'parentTaskRunId',
    with: [
      softChild({ entity: Log, by: 'flowRunId' }),
      softChild({ entity: Artifact, by: 'flowRunId', repoint: [latestArtifact] }),
    ],
  });
  return enabled.has('orphans') && !enabled.has('flow_runs') ? orphans : [...orphans, runs];
}
