import type { Resolve } from '../../report-rows.ts';
import { NotResolved } from '../../report-rows.ts';
import type { PrefectApi } from './api.ts';

/** What Prefect says of a flow run, as far as it matters here. */
interface FlowRunResponse {
  readonly state_type: string | null;
  readonly state: { readonly state_details?: { readonly pause_timeout?: string | null } } | null;
  readonly deployment_id: string | null;
  readonly work_queue_id: string | null;
  readonly work_pool_name: string | null;
}

/** Prefect's flow runs say every 3 minutes that they live, unless configured otherwise. */
const HEARTBEAT = 'prefect.flow-run.heartbeat';
const LIVES_MILLIS = 3_600_000;

/**
 * Ends a flow run through Prefect's API: state CRASHED, forced, so that the server gives its concurrency slots back and
 * sets its end time. A run that is over or deleted is left as it is; so is one that only waits as somebody wants it to,
 * and one that still says that it lives.
 */
export function endRun(api: PrefectApi): Resolve {
  return async (id, signal) => {
    const run = await api.get<FlowRunResponse>(`/flow_runs/${encodeURIComponent(id)}`, signal);
    if (run === undefined) throw new NotResolved(UNKNOWN_TO_PREFECT);
    await refuseWhatWaits(api, id, run, signal);
    const result = await api.post<{ status: string }>(
      `/flow_runs/${encodeURIComponent(id)}/set_state`,
      { state: { type: 'CRASHED', message: 'Stuck; ended by temporal-vacuum' }, force: true },
      signal,
    );
    if (result === undefined) throw new NotResolved(UNKNOWN_TO_PREFECT);
    if (result.status !== 'ACCEPT') throw new NotResolved('Prefect did not accept the state CRASHED');
  };
}

/** If it was just deleted it does not match any more, and this message is not shown. */
const UNKNOWN_TO_PREFECT = 'Prefect has no such run: its API may be that of another database';

async function refuseWhatWaits(
  api: PrefectApi,
  id: string,
  run: FlowRunResponse,
  signal: AbortSignal,
): Promise<void> {
  switch (run.state_type) {
    case 'SCHEDULED':
      if (await isHeldBack(api, run, signal)) {
        throw new NotResolved('its deployment, work queue or work pool is paused');
      }
      return;
    case 'PAUSED':
      if (Date.parse(run.state?.state_details?.pause_timeout ?? '') > Date.now()) {
        throw new NotResolved('its pause has not run out');
      }
      return;
    case 'RUNNING':
      if (await hasHeartbeat(api, id, signal)) throw new NotResolved('it still sends heartbeats');
      return;
    case 'PENDING':
    case 'CANCELLING':
      return;
    case null:
    default:
      // Between the look at the database and this response it has ended.
      throw new NotResolved('it is over by now');
  }
}

async function isHeldBack(api: PrefectApi, run: FlowRunResponse, signal: AbortSignal): Promise<boolean> {
  const { deployment_id: deployment, work_queue_id: queue, work_pool_name: pool } = run;
  const paths = [
    ...(deployment === null ? [] : [`/deployments/${deployment}`]),
    ...(queue === null ? [] : [`/work_queues/${queue}`]),
    ...(pool === null ? [] : [`/work_pools/${encodeURIComponent(pool)}`]),
  ];
  for (const path of paths) {
    const state = await api.get<{ paused?: boolean; is_paused?: boolean }>(path, signal);
    if (state?.paused === true || state?.is_paused === true) return true;
  }
  return false;
}

async function hasHeartbeat(api: PrefectApi, id: string, signal: AbortSignal): Promise<boolean> {
  const filter = {
    occurred: { since: new Date(Date.now() - LIVES_MILLIS).toISOString() },
    event: { name: [HEARTBEAT] },
    resource: { id: [`prefect.flow-run.${id}`] },
  };
  const heartbeats = await api.post<{ events: unknown[] }>('/events/filter', { filter, limit: 1 }, signal);
  return heartbeats !== undefined && heartbeats.events.length > 0;
}
