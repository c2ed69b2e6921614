import type { z } from 'zod';

import type { Ledger } from '../../activities/ledger/ledger.ts';
import { readHistory } from '../../activities/ledger/reports.ts';
import type { Status } from './answers.ts';
import { Cached } from './cached.ts';
import type { OpenInLedger } from './open-runs.ts';
import { describeOpenRun, readOpenRun } from './open-runs.ts';
import { summaryOf } from './runs.ts';
import type { Sources } from './sources.ts';

type Answer = z.infer<typeof Status>;

const KEEP_MILLIS = 1_000;
/** The open one, some previews, and the last that deleted. */
const LOOK_AT_RUNS = 5;

/** Reads what is under way and what was last. */
export function statusReader(sources: Sources): () => Promise<Answer> {
  const answers = new Cached<Answer>(KEEP_MILLIS);
  return async () =>
    answers.get('', async () => {
      const { databases } = sources;
      const { found, missing } = await databases.each(databases.names, async (name) =>
        readStatus(sources, name),
      );
      const open = found.flatMap((one) => one.open);
      const last = found.flatMap((one) => one.last);
      return { at: new Date().toISOString(), missing, running: open.length > 0, open, last };
    });
}

async function readStatus(
  { databases, policies, client }: Sources,
  database: string,
): Promise<Pick<Answer, 'open' | 'last'>> {
  const open: OpenInLedger[] = [];
  const last: Answer['last'] = [];
  await databases.readLedger(database, async (ledger) => {
    for (const policy of policies) {
      if (databases.nameFor(policy) !== database) continue;
      const run = await readOpenRun(ledger, policy.name);
      if (run !== undefined) open.push(run);
      const over = await readLastRun(ledger, database, policy.name);
      if (over !== undefined) last.push(over);
    }
  });
  // No transaction is held open while Temporal is asked.
  const described = open.map(async (run) => describeOpenRun(client, database, run));
  return { open: await Promise.all(described), last };
}

async function readLastRun(
  ledger: Ledger,
  database: string,
  policy: string,
): Promise<Answer['last'][number] | undefined> {
  const runs = await readHistory(ledger, { policy, limit: LOOK_AT_RUNS });
  const last = runs.find(({ mode, endedAt }) => mode === 'execute' && endedAt !== null);
  return last === undefined ? undefined : summaryOf(database, last);
}
