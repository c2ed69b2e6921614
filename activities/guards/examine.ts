import type { Issue } from '../../policy/issue.ts';
import type { Database } from '../database/database.ts';
import type { Seen } from '../ledger/guards.ts';
import { lostHolds } from '../ledger/holds.ts';
import { examineAmount } from './amount.ts';
import { examineClocks } from './clock.ts';
import type { GuardRequest } from './guard.ts';
import { examineLastRun } from './unlike-last-run.ts';

/** What the guards found before the first batch of a run. */
export interface Verdict {
  /** Empty if the run may begin. */
  readonly triggered: readonly Issue[];
  readonly seen: Seen;
}

/** Asks every guard whether a run may begin. Amounts are examined only if database, clocks and holds are right. */
export async function examineRun(database: Database, request: GuardRequest): Promise<Verdict> {
  const { triggered, seen } = await examineLastRun(database, request);
  const first = [
    ...triggered,
    ...(await examineClocks(database.db)),
    ...(await examineHolds(database, request)),
  ];
  return { triggered: first.length > 0 ? first : await examineAmount(database, request), seen };
}

/** Checks that each hold on a table of the policy still finds its table, which may have another name by now. */
async function examineHolds({ ledger }: Database, { policy, entities }: GuardRequest): Promise<Issue[]> {
  const lost = await lostHolds(ledger, policy.name, entities.names());
  return lost.map(({ id, entity }) => ({
    at: `hold ${id}`,
    what: `the table of ${entity} that it was added for is not there any more, so that it would hold nothing`,
    fix: `Look at it with \`temporal-vacuum hold list\`; add it anew for the table as it is called now, then \`temporal-vacuum hold remove ${id}\``,
  }));
}
