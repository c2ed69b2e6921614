import { deleteOrphans } from '../../delete-orphans.ts';
import type { Pass } from '../../pass.ts';
import { repointLatest } from '../../repoint-latest.ts';
import { Artifact, FlowRun, Log, TaskRun, TaskRunState, TaskRunStateCache } from './entities/index.ts';
import { latestArtifact } from './latest-artifact.ts';
import type { ParsedSettings } from './settings.ts';

/** Logs and artifacts of flow runs that are deleted, and collections whose latest artifact is deleted. */
export function orphansOfFlowRuns({ graceMillis }: ParsedSettings): Pass[] {
  return [
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
}

/** What names only a task run, or a state of one, that is deleted. Stands after the passes that delete task runs. */
export function orphansOfTaskRuns({ graceMillis }: ParsedSettings): Pass[] {
  return [
    deleteOrphans({
      name: 'orphaned-task-logs',
      entity: Log,
      by: 'taskRunId',
      parent: TaskRun,
      age: 'timestamp',
      grace: graceMillis,
      where: { flowRunId: null },
    }),
    deleteOrphans({
      name: 'orphaned-task-artifacts',
      entity: Artifact,
      by: 'taskRunId',
      parent: TaskRun,
      age: 'created',
      grace: graceMillis,
      where: { flowRunId: null },
      repoint: [latestArtifact],
    }),
    deleteOrphans({
      name: 'orphaned-state-cache',
      entity: TaskRunStateCache,
      by: 'taskRunStateId',
      parent: TaskRunState,
      age: 'created',
      // The server writes a state and its row here in one transaction: neither is visible before the other.
      grace: 0,
      optional: true,
    }),
  ];
}
