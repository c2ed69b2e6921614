import type { Client } from '@temporalio/client';

/** Temporal's numbers for the two kinds of task queue: for workflows and for activities. */
const KINDS = [1, 2] as const;
/** A worker polls again at the latest after so long. Temporal lists those that ended for five minutes. */
const FRESH_MILLIS = 90_000;

/** Whether a worker polls a task queue, for workflows and for activities, as Temporal saw in the last one and a half minutes. */
export async function hasWorker(client: Client, taskQueue: string): Promise<boolean> {
  const { namespace } = client.options;
  const since = Date.now() - FRESH_MILLIS;
  const polled = await Promise.all(
    KINDS.map(async (taskQueueType) => {
      const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType };
      const { pollers } = await client.workflowService.describeTaskQueue(request);
      return pollers.some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 >= since);
    }),
  );
  return polled.every(Boolean);
}
