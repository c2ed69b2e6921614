import type { z } from 'zod';

import { readLastRuns } from '../../activities/ledger/last-runs.ts';
import type { LastRuns } from '../../activities/ledger/last-runs.ts';
import { askTemporal } from '../ask-temporal.ts';
import { Unavailable } from '../unavailable.ts';
import { Cached } from './cached.ts';
import type { Readiness } from './response-schemas.ts';
import type { Sources } from './sources.ts';

type Response = z.infer<typeof Readiness>;

const CACHE_MILLIS = 1_000;
const CREATED_BY = 'the first run creates it, or `temporal-vacuum ledger migrate`';

type ReadinessChecks = Pick<Response, 'reasons' | 'lastRuns'>;

/** Checks whether runs can work here: the worker runs, and Temporal, databases and ledgers respond. */
export function createReadinessReader(sources: Sources): () => Promise<Response> {
  const cache = new Cached<ReadinessChecks>(CACHE_MILLIS);
  return async () => {
    const state = sources.worker.getState();
    const own = state === 'RUNNING' ? [] : [`the worker is ${state}`];
    const { reasons, lastRuns } = await cache.get('', async () => examine(sources));
    const all = [...own, ...reasons];
    return { ready: all.length === 0, reasons: all, lastRuns };
  };
}

async function examine({ client, databases, policies }: Sources): Promise<ReadinessChecks> {
  const { namespace } = client.options;
  const lastRuns: Response['lastRuns'] = [];
  const found = await Promise.all([
    findReason(async () => {
      await askTemporal(client, async () => client.workflowService.describeNamespace({ namespace }));
    }),
    ...databases.names.map(async (database) =>
      findReason(async () => {
        const names = policies
          .filter((policy) => databases.nameFor(policy) === database)
          .map(({ name }) => name);
        const runs = await databases.readLedger(database, async (ledger) => readLastRuns(ledger, names));
        if (runs === undefined)
          throw new Unavailable(`database ${database} has no ledger yet: ${CREATED_BY}`);
        lastRuns.push(...runs.map((one) => describeLastRuns(database, one)));
      }),
    ),
  ]);
  return { reasons: found.filter((reason) => reason !== undefined), lastRuns };
}

function describeLastRuns(
  database: string,
  { policy, last, completed }: LastRuns,
): Response['lastRuns'][number] {
  const millis = completed === null ? null : Math.max(0, Date.now() - Date.parse(completed.endedAt));
  return {
    database,
    policy,
    status: last?.status ?? null,
    endedAt: last?.endedAt ?? null,
    completedAt: completed?.endedAt ?? null,
    completedSecondsAgo: millis === null ? null : Math.floor(millis / 1000),
  };
}

async function findReason(look: () => Promise<void>): Promise<string | undefined> {
  try {
    await look();
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}
