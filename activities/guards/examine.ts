import { formatDuration } from '../../policy/duration.ts';
import type { Issue } from '../../policy/issue.ts';
import type { Session } from '../dialect/dialect.ts';
import type { Database } from '../ledger/database.ts';
import type { Seen } from '../stored/guard.ts';
import { examineAmount } from './amount.ts';
import type { GuardRequest } from './guard.ts';
import { examineLastRun } from './unlike-last-run.ts';

/** What the guards found before the first batch of a run. */
interface GuardResult {
  /** Empty if the run may start. */
  readonly triggered: readonly Issue[];
  readonly seen: Seen;
}

/** Clocks that are further apart make horizons and limits wrong by more than anybody means, in milliseconds. */
const MAX_CLOCK_DIFFERENCE = 60_000;

/** Asks every guard whether a run may start. Amounts are examined only if database, clocks and holds are right. */
export async function examineRun(database: Database, request: GuardRequest): Promise<GuardResult> {
  const { triggered, seen } = await examineLastRun(database, request);
  const first = [
    ...triggered,
    ...(await examineClocks(database.session)),
    ...(await examineHolds(database.session, request)),
  ];
  return { triggered: first.length > 0 ? first : await examineAmount(database, request), seen };
}

/** Whether the clocks of this worker and of the database are apart by more than a minute. */
async function examineClocks(session: Pick<Session, 'facts'>): Promise<Issue[]> {
  const before = Date.now();
  const now = await session.facts.readClock();
  const after = Date.now();
  const difference = now < before ? before - now : Math.max(0, now - after);
  if (difference <= MAX_CLOCK_DIFFERENCE) return [];
  return [
    {
      at: 'clock',
      what: `the database is ${formatDuration(difference)} ${now < before ? 'behind' : 'ahead of'} the worker, at most a minute is allowed: rows would seem older or newer than they are`,
      fix: 'Set the clocks of both machines, by NTP, and run again',
    },
  ];
}

/** Checks that each hold on a table of the policy still finds its table, which may have another name by now. */
async function examineHolds(session: Session, { policy, entities }: GuardRequest): Promise<Issue[]> {
  const lost = await session.ledger.holds.findLost(policy.name, entities.names());
  return lost.map(({ id, entity }) => ({
    at: `hold ${id}`,
    what: `the table of ${entity} that it was added for is not there any more, so that it would hold nothing`,
    fix: `Look at it with \`temporal-vacuum hold list\`; add it anew for the table as it is called now, then \`temporal-vacuum hold remove ${id}\``,
  }));
}
