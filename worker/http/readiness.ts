import type { z } from 'zod';

import type { Readiness } from './answers.ts';
import { Cached } from './cached.ts';
import type { Sources } from './sources.ts';
import { askTemporal } from './temporal.ts';
import { Unavailable } from './unavailable.ts';

type Response = z.infer<typeof Readiness>;

const CACHE_MILLIS = 1_000;
const CREATED_BY = 'the first run creates it, or `temporal-vacuum ledger migrate`';

/** Checks whether runs can work here: the worker runs, and Temporal, databases and ledgers respond. */
export function createReadinessReader(sources: Sources): () => Promise<Response> {
  const missing = new Cached<string[]>(CACHE_MILLIS);
  return async () => {
    const state = sources.worker.getState();
    const own = state === 'RUNNING' ? [] : [`the worker is ${state}`];
    const reasons = [...own, ...(await missing.get('', async () => findMissing(sources)))];
    return { ready: reasons.length === 0, reasons };
  };
}

async function findMissing({ client, databases }: Sources): Promise<string[]> {
  const { namespace } = client.options;
  const found = await Promise.all([
    findReason(async () => {
      await askTemporal(client, async () => client.workflowService.describeNamespace({ namespace }));
    }),
    ...databases.names.map(async (name) =>
      findReason(async () => {
        const isThere = await databases.readLedger(name, async () => true);
        if (isThere === undefined) throw new Unavailable(`database ${name} has no ledger yet: ${CREATED_BY}`);
      }),
    ),
  ]);
  return found.filter((reason) => reason !== undefined);
}

async function findReason(examine: () => Promise<void>): Promise<string | undefined> {
  try {
    await examine();
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}
