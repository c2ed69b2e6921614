import type { z } from 'zod';

import type { Ledger } from '../../activities/ledger/ledger.ts';
import type { LivePass } from '../../activities/ledger/live-progress.ts';
import { readLiveProgress } from '../../activities/ledger/live-progress.ts';
import { findOpenRun } from '../../activities/ledger/runs.ts';
import type { OpenRun } from '../../activities/stored/run.ts';
import { computeProgress } from '../../workflows/compute-progress.ts';
import type { PassProgress } from '../../workflows/progress.ts';
import { readRunState } from '../run-state.ts';
import type { Status } from './run-schemas.ts';
import type { Sources } from './sources.ts';

type OpenAnswer = z.infer<typeof Status>['open'][number];
type OpenPass = OpenAnswer['passes'][number];

/** An open run as its ledger has it. */
export interface OpenInLedger {
  readonly run: OpenRun;
  readonly passes: readonly LivePass[];
}

/** The open run of a policy; undefined if none is. */
export async function readOpenRun(ledger: Ledger, policy: string): Promise<OpenInLedger | undefined> {
  const run = await findOpenRun(ledger, policy);
  return run === undefined ? undefined : { run, passes: await readLiveProgress(ledger, run.id) };
}

/** How a run stands: what was done by its ledger, which is as fresh as the last batch; its state by its workflow. */
export async function describeOpenRun(
  { client, temporalUi, policies }: Pick<Sources, 'client' | 'temporalUi' | 'policies'>,
  database: string,
  { run, passes }: OpenInLedger,
): Promise<OpenAnswer> {
  const { state, reason, progress } = await readRunState(client, run.workflowId);
  const canSteer = policies.some(({ name }) => name === run.policy);
  return {
    database,
    run: run.id,
    policy: run.policy,
    workflowId: run.workflowId,
    workflowUrl:
      temporalUi === undefined
        ? null
        : `${temporalUi}/namespaces/${encodeURIComponent(client.options.namespace)}/workflows/${encodeURIComponent(run.workflowId)}`,
    startedAt: new Date(run.startedAt).toISOString(),
    state,
    reason: canSteer ? reason : describeForeign(run, client.options.namespace, reason),
    canSteer,
    passes: passes.map((pass) =>
      describePass(
        pass,
        progress?.passes.find(({ name }) => name === pass.name),
        progress !== undefined,
      ),
    ),
  };
}

/** Why a run is here whose policy this worker does not have, and how to end it. */
function describeForeign({ policy, workflowId }: OpenRun, namespace: string, reason: string | null): string {
  const what = `This worker does not have policy ${policy}: it was removed from the configuration, or it is another worker's`;
  const fix = `To stop the run: temporal workflow signal --name stop --namespace ${namespace} --workflow-id ${workflowId}`;
  // The reason of a pause first: it is what people look for.
  return [...(reason === null ? [] : [reason]), what, fix].join('. ');
}

function describePass(
  { name, rows, batches, status, shards }: LivePass,
  queried: PassProgress | undefined,
  isAnswered: boolean,
): OpenPass {
  const known = queried?.status ?? status;
  const progress = computeProgress(known, shards);
  return {
    name,
    status: known,
    rows,
    batches,
    ...progress,
    // Nobody may be working: the pace of the last batches tells nothing.
    ...(isAnswered ? {} : { rowsPerSecond: null, etaSeconds: null }),
    level: queried?.level ?? null,
    waitsFor: queried?.waitsFor ?? null,
  };
}
