import type { Policy } from '../policy/policy.ts';
import type { VacuumActivities } from './contract.ts';
import type { Databases } from './ledger/databases.ts';
import { beginRun } from './run/begin.ts';
import type { RunContext } from './run/context.ts';
import { findTemporalCluster } from './run/current-run.ts';
import { withActivityFailures } from './run/failure.ts';
import { finishRun } from './run/finish.ts';
import { previewRun } from './run/preview-run.ts';
import { runSlice } from './run/slice.ts';

/** What the activities of a worker need. */
interface ActivityDependencies {
  readonly policies: readonly Policy[];
  readonly databases: Databases;
  /** The Temporal of the workflows, if it is not the cluster and namespace that the worker is connected to. */
  readonly temporal?: string | undefined;
  /** The percent of a table that runs may delete if that is more than their policy's `maxPercent`. */
  readonly allowPercent?: number | undefined;
}

/** Creates the activities of workflow `vacuum`. Their names have a prefix, since a plugin's win over the host's. */
export function createActivities(dependencies: ActivityDependencies): VacuumActivities {
  const { policies, databases, temporal, allowPercent = 0 } = dependencies;
  const context: RunContext = {
    policies,
    databases,
    allowPercent,
    findTemporal: async () => temporal ?? findTemporalCluster(),
  };
  return {
    'vacuum.beginRun': async (input, firstRunId, lastReport) =>
      withActivityFailures('beginning the run', async () => beginRun(context, input, firstRunId, lastReport)),
    'vacuum.previewRun': async (input, firstRunId) =>
      withActivityFailures('previewing', async () => previewRun(context, input, firstRunId)),
    'vacuum.runSlice': async (request) =>
      withActivityFailures('deleting', async () => runSlice(context, request)),
    'vacuum.finishRun': async (request) =>
      withActivityFailures('closing the run', async () => finishRun(context, request)),
  };
}
