import { expireRows, softChild } from '../../expire-rows.ts';
import type { Pass } from '../../pass.ts';
import { Artifact, FlowRun, Log, TERMINAL_STATE_TYPES } from './entities/index.ts';
import { latestArtifact } from './latest-artifact.ts';
import { keepNewest, runOverrides } from './run-retention.ts';
import type { ParsedSettings } from './settings.ts';
import { stuckRunsPass } from './stuck-runs.ts';

const isNotTerminal = { stateType: { $nin: [...TERMINAL_STATE_TYPES] } };

const withLogsAndArtifacts = [
  softChild({ entity: Log, by: 'flowRunId' }),
  softChild({ entity: Artifact, by: 'flowRunId', repoint: [latestArtifact] }),
];

/** Flow runs past their retention, with all that hangs on them. */
export function flowRunPasses(settings: ParsedSettings): Pass[] {
  const retention = readRetention(settings);
  const isOver = { stateType: { $in: [...settings.states] } };
  const subflows = expireRows({
    name: 'old-subflows',
    entity: FlowRun,
    age: 'endTime',
    ...retention,
    where: { ...isOver, parentTaskRun: { flowRun: isNotTerminal } },
    with: withLogsAndArtifacts,
  });
  return [
    ...stuckRunsPasses(settings),
    ...(settings.oldSubflows ? [subflows] : []),
    expireRows({
      name: 'runs-without-end',
      entity: FlowRun,
      age: ['stateTimestamp', 'updated'],
      ...retention,
      where: { ...isOver, endTime: null },
      nestedBy: 'parentTaskRunId',
      with: withLogsAndArtifacts,
    }),
    expireRows({
      name: 'old-flow-runs',
      entity: FlowRun,
      age: 'endTime',
      ...retention,
      where: isOver,
      nestedBy: 'parentTaskRunId',
      with: withLogsAndArtifacts,
    }),
  ];
}

function stuckRunsPasses({ stuckMillis, endStuckRuns }: ParsedSettings): Pass[] {
  if (stuckMillis === null) return [];
  return [stuckRunsPass({ stuckMillis, ...(endStuckRuns === undefined ? {} : { end: endStuckRuns }) })];
}

function readRetention({ retentionMillis, runRetention, keepLast, keepLastPer }: ParsedSettings): {
  olderThan: number;
  overrides: ReturnType<typeof runOverrides>;
  keepLast?: ReturnType<typeof keepNewest>;
} {
  return {
    olderThan: retentionMillis,
    overrides: runOverrides(runRetention, keepLastPer),
    ...(keepLast === undefined ? {} : { keepLast: keepNewest(keepLast, keepLastPer) }),
  };
}
