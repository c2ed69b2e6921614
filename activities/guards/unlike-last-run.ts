import { countNouns, formatCount } from '../../policy/count-nouns.ts';
import { formatInstant } from '../../policy/format-instant.ts';
import type { Issue } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Identity } from '../dialect/facts.ts';
import type { Database } from '../ledger/database.ts';
import { LOOK_UP_LIMITS } from '../plan/resolve-policy.ts';
import type { GuardState, Seen, SeenTable } from '../stored/guard.ts';
import type { GuardedPass, GuardRequest, RowCount } from './guard.ts';
import { nameTable, suggestPreview } from './guard.ts';

/** A table lost more rows than tables usually lose if less than this part of it is left. */
const MIN_PART_LEFT = 0.5;

/**
 * Whether the database is still the one that the last run cleaned, and its tables are. If not, the policy is blocked:
 * neither this run nor a later one starts until a person acknowledges it.
 */
export async function examineLastRun(
  database: Database,
  request: GuardRequest,
): Promise<{ triggered: Issue[]; seen: Seen }> {
  const { policy, lastRun } = request;
  const { session } = database;
  const { guards } = session.ledger;
  const identity = await session.snapshot(LOOK_UP_LIMITS, async (tx) => tx.facts.readIdentity());
  const state = await guards.read(policy.name);
  const tables = await compareTables(database, request, state);
  const seen = { ...identity, tables: tables.seen };
  if (state?.blocked != null) {
    return { triggered: [describeBlocked(policy, state.blocked, state.blockedAt)], seen };
  }
  const past = await guards.readPast(state?.knownRun ?? 0);
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
  await guards.block(policy.name, reasons, Math.max(lastRun, past.lastRun));
  return { triggered: [describeBlocked(policy, reasons, null)], seen };
}

function describeBlocked({ name }: Policy, reasons: readonly string[], since: string | null): Issue {
  return {
    at: `policy ${JSON.stringify(name)}`,
    what: `it is blocked${since === null ? '' : ` since ${formatInstant(since)}`}: ${reasons.join('; ')}`,
    fix: `Make sure that this is the database to clean and that its rows may be deleted, then \`temporal-vacuum acknowledge ${name}\``,
  };
}

/** The tables that the passes believe: which were made anew or lost rows, and how they are now. */
async function compareTables(
  database: Database,
  request: GuardRequest,
  state: GuardState | undefined,
): Promise<{ reasons: string[]; seen: Seen['tables'] }> {
  const { catalog, entities, passes, evidence } = request;
  const reasons: string[] = [];
  const seen: Record<string, Omit<SeenTable, 'run'>> = {};
  for (const name of evidence) {
    const key = JSON.stringify([name.schema, name.name]);
    const table = catalog.named(name);
    if (table === undefined || key in seen) continue;
    const pass = passes.find(
      ({ stored }) => stored.table.schema === name.schema && stored.table.name === name.name,
    );
    // Both may be too high: the statistics if they are old, the sample if few pages have rows. Nobody compares the rows of
    // a table that only other tables' rows depend on: its application may delete them.
    const rows = Math.min(pass?.plan.tableRows ?? 0, table.rows ?? Infinity);
    seen[key] = { oid: table.id, rows };
    const before = state?.tables[key];
    if (before === undefined) continue;
    if (before.oid !== table.id) {
      reasons.push(`the table of ${nameTable(entities, name)} was made anew since the last run`);
    } else if (pass !== undefined) {
      reasons.push(...(await compareRows(database, request, pass, before)));
    }
  }
  return { reasons, seen };
}

/** Whether the own table of a pass lost most of its rows. */
async function compareRows(
  { session }: Database,
  { policy, entities, budget }: GuardRequest,
  { stored: { table }, plan }: GuardedPass,
  before: SeenTable,
): Promise<string[]> {
  const expected = before.rows - (await session.ledger.guards.sumDeleted(table.label, before.run));
  const least = Math.floor(expected * MIN_PART_LEFT);
  if (expected < Math.max(1, policy.limits.smallTable) || plan.tableRows >= least) return [];
  // Only a sample says so: count before anybody is woken up.
  const left = await budget.tryRead(session, async (tx) => tx.tables.countUpTo(table, least));
  if (left === undefined || left >= least) return [];
  return [
    `${nameTable(entities, table)} has ${countNouns(left, 'row')} left of about ${formatCount(expected)}, and it was no run of this ledger that deleted the others`,
  ];
}

/** Whether a pass would delete many times the rows of its own table that one of its last runs did. */
export async function examineGrowth(
  { session }: Database,
  { policy, entities, maxRows }: GuardRequest,
  pass: GuardedPass,
  own: RowCount,
  margin: number,
): Promise<Issue[]> {
  const { maxGrowth, smallTable } = policy.limits;
  const rows = Math.min(maxRows, own.rows);
  const wouldDelete = own.exact ? rows : rows * margin;
  if (maxGrowth === Infinity || wouldDelete < Math.max(1, smallTable)) return [];
  const { table } = pass.stored;
  const most = await session.ledger.guards.findMaxDeleted(policy.name, pass.name, table.label);
  if (most === undefined || wouldDelete <= maxGrowth * most) return [];
  return [
    {
      at: `limit maxGrowth ${maxGrowth}`,
      what: `pass ${pass.name} would delete ${own.exact ? '' : 'about '}${countNouns(rows, 'row')} of ${nameTable(entities, table)}, and the most that one of its last ten runs deleted is ${formatCount(most)}`,
      fix: `${suggestPreview(policy)}. Or set limits.maxGrowth`,
    },
  ];
}

/** How the database differs from the one that was seen, in sentences for people. */
function compareIdentity(seen: { readonly [K in keyof Identity]: string | null }, now: Identity): string[] {
  if (
    seen.systemIdentifier !== null &&
    now.systemIdentifier !== null &&
    seen.systemIdentifier !== now.systemIdentifier
  ) {
    return ['the database is on another server than at the last run, as after restoring a backup'];
  }
  if (seen.databaseOid === null || seen.databaseOid === now.databaseOid) return [];
  return ['the database was made anew since the last run, as after restoring a backup'];
}
