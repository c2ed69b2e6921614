import type { z } from 'zod';

import type { Readiness } from './answers.ts';
import { Cached } from './cached.ts';
import type { Sources } from './sources.ts';
import { askTemporal } from './temporal.ts';
import { Unavailable } from './unavailable.ts';

type Answer = z.infer<typeof Readiness>;

const KEEP_MILLIS = 1_000;
const MADE_BY = 'the first run makes it, or `temporal-vacuum ledger migrate`';

/** Reads whether runs would go on here: the worker works, and Temporal, databases and ledgers answer. */
export function readinessReader(sources: Sources): () => Promise<Answer> {
  const missing = new Cached<string[]>(KEEP_MILLIS);
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
    reasonOf(async () => {
      await askTemporal(client, async () => client.workflowService.describeNamespace({ namespace }));
    }),
    ...databases.names.map(async (name) =>
      reasonOf(async () => {
        const there = await databases.readLedger(name, async () => true);
        if (there === undefined) throw new Unavailable(`database ${name} has no ledger yet: ${MADE_BY}`);
      }),
    ),
  ]);
  return found.filter((reason) => reason !== undefined);
}

async function reasonOf(examine: () => Promise<void>): Promise<string | undefined> {
  try {
    await examine();
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}
