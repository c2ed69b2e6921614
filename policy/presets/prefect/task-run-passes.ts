import { expireRows, softChild } from '../../expire-rows.ts';
import type { Pass } from '../../pass.ts';
import { Artifact, Log, TaskRun, TaskRunStateCache } from './entities/index.ts';
import { latestArtifact } from './latest-artifact.ts';
import type { ParsedSettings } from './settings.ts';

/** Task runs that no flow run takes along, and states that nothing can reuse any more. */
export function taskRunPasses({ backgroundTaskMillis, states }: ParsedSettings): Pass[] {
  const cache = expireRows({
    name: 'expired-state-cache',
    entity: TaskRunStateCache,
    age: 'cacheExpiration',
    // The row itself says until when it is of use.
    olderThan: 0,
    allowShort: true,
    optional: true,
  });
  if (backgroundTaskMillis === null) return [cache];
  const tasks = expireRows({
    name: 'old-background-task-runs',
    entity: TaskRun,
    age: 'endTime',
    olderThan: backgroundTaskMillis,
    where: { flowRunId: null, stateType: { $in: [...states] } },
    with: [
      softChild({ entity: Log, by: 'taskRunId' }),
      softChild({ entity: Artifact, by: 'taskRunId', repoint: [latestArtifact] }),
    ],
  });
  return [tasks, cache];
}
