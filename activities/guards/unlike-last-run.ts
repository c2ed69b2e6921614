import type { Issue } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import type { GuardState, Seen, SeenTable } from '../ledger/guards.ts';
import { blockPolicy, deletedFrom, mostDeleted, readGuardState, readPast } from '../ledger/guards.ts';
import { LOOK_UP_LIMITS } from '../plan/resolve.ts';
import { countUpTo } from '../sql/count-rows.ts';
import { qualifiedName } from '../sql/names.ts';
import { inSnapshot } from '../sql/transaction.ts';
import type { GuardedPass, GuardRequest, RowCount } from './guard.ts';
import { nameTable, suggestPreview } from './guard.ts';
import { compareIdentity, readIdentity } from './identity.ts';

/** A table lost more rows than tables usually lose if less than this part of it is left. */
const MIN_PART_LEFT = 0.5;

/**
 * Whether the database is still the one that the last run cleaned, and its tables are. If not, the policy is blocked:
 * neither this run nor a later one begins until a person acknowledges it.
 */
export async function examineLastRun(
  database: Database,
  request: GuardRequest,
): Promise<{ triggered: Issue[]; seen: Seen }> {
  const { policy, lastRun } = request;
  const { ledger } = database;
  const identity = await inSnapshot(database.db, LOOK_UP_LIMITS, readIdentity);
  const state = await readGuardState(ledger, policy.name);
  const tables = await compareTables(database, request, state);
  const seen = { ...identity, tables: tables.seen };
  if (state?.blocked != null) {
    return { triggered: [describeBlocked(policy, state.blocked, state.blockedAt)], seen };
  }
  const past = await readPast(ledger, state?.knownRun ?? 0);
  const reasons = [...(state === undefined ? [] : compareIdentity(state, identity)), ...tables.reasons];
  if (past.future !== null) {
    reasons.push(
      `run ${past.future} of the ledger lies in the future, so that the clock of the database was moved back or another one is in its place`,
    );
  }
  if (lastRun > Math.max(past.lastRun, state?.knownRun ?? 0)) {
    reasons.push(
      `Temporal knows run ${lastRun} and the ledger ends with run ${past.lastRun}, as after restoring a backup`,
    );
  }
  if (reasons.length === 0) return { triggered: [], seen };
  await blockPolicy(ledger, policy.name, reasons, Math.max(lastRun, past.lastRun));
  return { triggered: [describeBlocked(policy, reasons, null)], seen };
}

function describeBlocked({ name }: Policy, reasons: readonly string[], since: string | null): Issue {
  return {
    at: `policy ${JSON.stringify(name)}`,
    what: `it is blocked${since === null ? '' : ` since ${since}`}: ${reasons.join('; ')}`,
    fix: `Make sure that this is the database to clean and that its rows may be deleted, then \`temporal-vacuum acknowledge ${name}\``,
  };
}

/** The passes' own tables: which were made anew or lost rows, and how they are now. */
async function compareTables(
  database: Database,
  { policy, catalog, entities, passes, budget }: GuardRequest,
  state: GuardState | undefined,
): Promise<{ reasons: string[]; seen: Seen['tables'] }> {
  const reasons: string[] = [];
  const seen: Record<string, Omit<SeenTable, 'run'>> = {};
  for (const { frozen, plan } of passes) {
    const key = qualifiedName(frozen.table);
    const table = catalog.named(frozen.table);
    if (table === undefined || key in seen) continue;
    // Both may be too high: the statistics if they are old, the sample if few pages have rows.
    seen[key] = { oid: table.oid, rows: Math.min(plan.tableRows, table.rows ?? Infinity) };
    const before = state?.tables[key];
    if (before === undefined) continue;
    const name = nameTable(entities, frozen.table);
    if (before.oid !== table.oid) {
      reasons.push(`the table of ${name} was made anew since the last run`);
      continue;
    }
    const expected = before.rows - (await deletedFrom(database.ledger, frozen.table.label, before.run));
    const least = Math.floor(expected * MIN_PART_LEFT);
    if (expected < Math.max(1, policy.limits.smallTable) || plan.tableRows >= least) continue;
    // Only a sample says so: count before anybody is woken up.
    const left = await budget.tryRead(database, async (tx) => countUpTo(tx, frozen.table, least));
    if (left !== undefined && left < least) {
      reasons.push(
        `${name} has ${left} rows left of about ${Math.round(expected)}, and it was no run of this ledger that deleted them`,
      );
    }
  }
  return { reasons, seen };
}

/** Whether a pass would delete many times the rows of its own table that one of its last runs did. */
export async function examineGrowth(
  { ledger }: Database,
  { policy, entities, maxRows }: GuardRequest,
  pass: GuardedPass,
  own: RowCount,
  doubt: number,
): Promise<Issue[]> {
  const { maxGrowth, smallTable } = policy.limits;
  const rows = Math.min(maxRows, own.rows);
  const wouldDelete = own.exact ? rows : rows * doubt;
  if (maxGrowth === Infinity || wouldDelete < Math.max(1, smallTable)) return [];
  const { table } = pass.frozen;
  const most = await mostDeleted(ledger, policy.name, pass.name, table.label);
  if (most === undefined || wouldDelete <= maxGrowth * most) return [];
  return [
    {
      at: `limit maxGrowth ${maxGrowth}`,
      what: `pass ${pass.name} would delete ${own.exact ? '' : 'about '}${rows.toLocaleString('en')} rows of ${nameTable(entities, table)}, and the most that one of its last ten runs deleted is ${most.toLocaleString('en')}`,
      fix: `${suggestPreview(policy)}. Or set limits.maxGrowth`,
    },
  ];
}
