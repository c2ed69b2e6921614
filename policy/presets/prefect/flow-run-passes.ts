import { expireRows, softChild } from '../../expire-rows.ts';
import type { Pass } from '../../pass.ts';
import type { ReportRows } from '../../report-rows.ts';
import { reportRows } from '../../report-rows.ts';
import type { PrefectApi } from './api.ts';
import { endRun } from './end-run.ts';
import { Artifact, FlowRun, Log, TERMINAL_STATE_TYPES } from './entities/index.ts';
import { latestArtifact } from './latest-artifact.ts';
import { keepNewest, runOverrides } from './run-retention.ts';
import type { ParsedSettings } from './settings.ts';

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

/** The states of a run that is under way, or waits. */
const LIVE_STATE_TYPES = ['SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING'] as const;

/** How to look for stuck runs. */
interface StuckRunsOptions {
  readonly stuckMillis: number;
  /** The API to end them by. Left out, they are only reported. */
  readonly end?: PrefectApi;
}

/**
 * Flow runs that have been in one state that is no end for too long. A scheduled one is due by
 * `next_scheduled_start_time`, which Prefect sets with every scheduled state (a retry, a wait for a slot) and clears
 * with every other: it is stuck only once it has been due for as long. Ended, they have an end time and expire later
 * like any other.
 */
function stuckRunsPass({ stuckMillis, end }: StuckRunsOptions): ReportRows {
  return reportRows({
    name: 'stuck-runs',
    entity: FlowRun,
    age: 'stateTimestamp',
    olderThan: stuckMillis,
    where: { stateType: { $in: [...LIVE_STATE_TYPES] } },
    dueAt: 'nextScheduledStartTime',
    ...(end === undefined ? {} : { handler: endRun(end) }),
  });
}
