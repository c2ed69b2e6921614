import type { Policy } from '../policy/policy.ts';
import type { VacuumActivities } from './contract.ts';
import type { Databases } from './database/databases.ts';
import { atTheEdge } from './failure.ts';
import { beginRun } from './run/begin.ts';
import type { RunContext } from './run/context.ts';
import { finishRun } from './run/finish.ts';
import { findPlace } from './run/place.ts';
import { previewRun } from './run/preview.ts';
import { runSlice } from './run/slice.ts';

/** What the activities of a worker are made from. */
export interface ActivityDependencies {
  readonly policies: readonly Policy[];
  readonly databases: Databases;
  /** Where the workflows live, if not in the cluster and namespace that the worker is connected to. */
  readonly place?: string | undefined;
  /** The percent of a table that runs may delete where that is more than their policy's `maxPercent`. */
  readonly allowPercent?: number | undefined;
}

/** The activities of workflow `vacuum`. Their names have a prefix, since a plugin's win over the host's. */
export function createActivities(dependencies: ActivityDependencies): VacuumActivities {
  const { policies, databases, place, allowPercent = 0 } = dependencies;
  const context: RunContext = {
    policies,
    databases,
    allowPercent,
    place: async () => place ?? findPlace(),
  };
  return {
    'vacuum.beginRun': async (input, firstRunId, lastReport) =>
      atTheEdge('beginning the run', async () => beginRun(context, input, firstRunId, lastReport)),
    'vacuum.previewRun': async (input, firstRunId) =>
      atTheEdge('previewing', async () => previewRun(context, input, firstRunId)),
    'vacuum.runSlice': async (request) => atTheEdge('deleting', async () => runSlice(context, request)),
    'vacuum.finishRun': async (ending) =>
      atTheEdge('closing the run', async () => finishRun(context, ending)),
  };
}
