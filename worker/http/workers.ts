import type { Client } from '@temporalio/client';
import type { z } from 'zod';

import { askTemporal } from '../ask-temporal.ts';
import { readVersion } from '../version.ts';
import { Cached } from './cached.ts';
import type { Workers } from './response-schemas.ts';
import type { Sources } from './sources.ts';

type WorkersResponse = z.infer<typeof Workers>;
type Poller = WorkersResponse['pollers'][number];
type Description = Awaited<ReturnType<Client['workflowService']['describeTaskQueue']>>;
type PollerInfo = Description['pollers'][number];

/** Temporal's numbers for the two kinds of task queue. */
const KINDS = [
  ['workflow', 1],
  ['activity', 2],
] as const;
const KEEP_MILLIS = 3_000;

/** Reads how this worker stands and which others Temporal saw on its task queue. */
export function workerReader({
  worker,
  client,
  policies,
  canSteer,
}: Sources): () => Promise<WorkersResponse> {
  const startedAt = new Date();
  const version = readVersion();
  const pollers = new Cached<Poller[]>(KEEP_MILLIS);
  return async () => {
    const { identity, taskQueue, namespace } = worker.options;
    const found = await pollers.get('', async () => readPollers(client, taskQueue));
    const { runState, numInFlightActivities } = worker.getStatus();
    return {
      at: new Date().toISOString(),
      taskQueue,
      namespace,
      canSteer,
      self: {
        identity,
        state: runState,
        version,
        startedAt: startedAt.toISOString(),
        uptimeSeconds: Math.floor((Date.now() - startedAt.getTime()) / 1000),
        policies: policies.map(({ name }) => name),
        activities: numInFlightActivities,
      },
      pollers: found,
    };
  };
}

/** A worker polls for workflows and for activities; both are listed as one. */
async function readPollers(client: Client, taskQueue: string): Promise<Poller[]> {
  const { namespace } = client.options;
  const found = new Map<string, Poller>();
  for (const [kind, taskQueueType] of KINDS) {
    const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType };
    const { pollers } = await askTemporal(client, async () =>
      client.workflowService.describeTaskQueue(request),
    );
    for (const poller of pollers) {
      const identity = poller.identity ?? '';
      const at = toIsoTime(poller.lastAccessTime);
      const known = found.get(identity);
      if (known === undefined) found.set(identity, { identity, polls: [kind], lastAccessAt: at });
      else {
        known.polls.push(kind);
        // Both are ISO 8601 in UTC.
        if (at !== null && at > (known.lastAccessAt ?? '')) known.lastAccessAt = at;
      }
    }
  }
  return [...found.values()].toSorted((a, b) => a.identity.localeCompare(b.identity));
}

function toIsoTime(time: PollerInfo['lastAccessTime']): string | null {
  if (time === undefined || time === null) return null;
  const millis = Number(time.seconds ?? 0) * 1000 + (time.nanos ?? 0) / 1_000_000;
  return new Date(millis).toISOString();
}
