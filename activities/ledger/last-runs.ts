import type { RunStatus } from '../stored/run.ts';
import type { Ledger } from './ledger.ts';

/** A run that deletes and has ended. */
export interface EndedRun {
  readonly run: number;
  readonly status: RunStatus;
  /** ISO 8601, by the database's clock. */
  readonly endedAt: string;
}

/** How the runs of a policy end. Previews, and runs that did not begin, do not count. */
export interface LastRuns {
  readonly policy: string;
  /** Null if none has ended. */
  readonly last: EndedRun | null;
  /** The last one that completed; null if none has. */
  readonly completed: EndedRun | null;
}

/** Reads the last run and the last success of each policy, in one statement. */
export async function readLastRuns(ledger: Ledger, policies: readonly string[]): Promise<LastRuns[]> {
  const found = await ledger.session.ledger.reports.readLastRuns(policies);
  return policies.map((policy) => {
    const runs = found
      .filter((run) => run.policy === policy)
      .map(({ run, status, endedAt }) => ({ run, status, endedAt: endedAt ?? '' }));
    return {
      policy,
      last: runs[0] ?? null,
      completed: runs.find(({ status }) => status === 'completed') ?? null,
    };
  });
}
