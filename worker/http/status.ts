import type { z } from 'zod';

import { readLastRuns } from '../../activities/ledger/last-runs.ts';
import { readReport } from '../../activities/ledger/reports.ts';
import { Cached } from './cached.ts';
import type { OpenInLedger } from './open-runs.ts';
import { describeOpenRun, readOpenRun } from './open-runs.ts';
import type { Status } from './run-schemas.ts';
import { summarizeRun } from './runs.ts';
import type { Sources } from './sources.ts';

type Response = z.infer<typeof Status>;

const CACHE_MILLIS = 1_000;

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
      const never = found.flatMap((one) => one.never);
      return { at: new Date().toISOString(), missing, running: open.length > 0, open, last, never };
    });
}

async function readStatus(
  sources: Sources,
  database: string,
): Promise<Pick<Response, 'open' | 'last' | 'never'>> {
  const { databases, policies } = sources;
  const open: OpenInLedger[] = [];
  const last: Response['last'] = [];
  const never: Response['never'] = [];
  await databases.readLedger(database, async (ledger) => {
    const own = policies.filter((policy) => databases.nameFor(policy) === database);
    const names = own.map(({ name }) => name);
    const isEnabled = (name: string): boolean => own.some((policy) => policy.name === name && policy.enabled);
    // A run whose policy was removed from the configuration is open still.
    for (const name of new Set([...names, ...(await ledger.session.ledger.runs.listOpenPolicies())])) {
      const run = await readOpenRun(ledger, name);
      if (run !== undefined) open.push(run);
    }
    for (const { policy, last: ended } of await readLastRuns(ledger, names)) {
      const report = ended === null ? undefined : await readReport(ledger, ended.run);
      if (report === undefined) never.push({ database, policy, enabled: isEnabled(policy) });
      else last.push(summarizeRun(database, report));
    }
  });
  // No transaction stays open during the requests to Temporal.
  const described = open.map(async (run) => describeOpenRun(sources, database, run));
  return { open: await Promise.all(described), last, never };
}
