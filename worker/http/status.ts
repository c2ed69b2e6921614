import type { z } from 'zod';

import type { Ledger } from '../../activities/ledger/ledger.ts';
import { readHistory } from '../../activities/ledger/reports.ts';
import type { Status } from './answers.ts';
import { Cached } from './cached.ts';
import type { OpenInLedger } from './open-runs.ts';
import { describeOpenRun, readOpenRun } from './open-runs.ts';
import { summarizeRun } from './runs.ts';
import type { Sources } from './sources.ts';

type Response = z.infer<typeof Status>;

const CACHE_MILLIS = 1_000;
/** Enough for the open run, some previews, and the last run that deleted. */
const MAX_RUNS_READ = 5;

/** Reads the open runs and the last run of each policy. */
export function createStatusReader(sources: Sources): () => Promise<Response> {
  const cache = new Cached<Response>(CACHE_MILLIS);
  return async () =>
    cache.get('', async () => {
      const { databases } = sources;
      const { found, missing } = await databases.readEach(databases.names, async (name) =>
        readStatus(sources, name),
      );
      const open = found.flatMap((one) => one.open);
      const last = found.flatMap((one) => one.last);
      return { at: new Date().toISOString(), missing, running: open.length > 0, open, last };
    });
}

async function readStatus(sources: Sources, database: string): Promise<Pick<Response, 'open' | 'last'>> {
  const { databases, policies } = sources;
  const open: OpenInLedger[] = [];
  const last: Response['last'] = [];
  await databases.readLedger(database, async (ledger) => {
    for (const policy of policies) {
      if (databases.nameFor(policy) !== database) continue;
      const run = await readOpenRun(ledger, policy.name);
      if (run !== undefined) open.push(run);
      const ended = await readLastRun(ledger, database, policy.name);
      if (ended !== undefined) last.push(ended);
    }
  });
  // No transaction stays open during the requests to Temporal.
  const described = open.map(async (run) => describeOpenRun(sources, database, run));
  return { open: await Promise.all(described), last };
}

async function readLastRun(
  ledger: Ledger,
  database: string,
  policy: string,
): Promise<Response['last'][number] | undefined> {
  const runs = await readHistory(ledger, { policy, limit: MAX_RUNS_READ });
  const last = runs.find(({ mode, endedAt }) => mode === 'execute' && endedAt !== null);
  return last === undefined ? undefined : summarizeRun(database, last);
}
