import type { Mistake } from '../../policy/mistake.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import type { GuardState, Seen, SeenTable } from '../ledger/guards.ts';
import { deletedFrom, disarm, readGuardState, readPast } from '../ledger/guards.ts';
import type { PolicyEntities } from '../plan/entities.ts';
import { LOOK_UP_LIMITS } from '../plan/resolve.ts';
import type { Catalog } from '../sql/catalog.ts';
import { countUpTo } from '../sql/count-rows.ts';
import { qualifiedName } from '../sql/names.ts';
import { inSnapshot } from '../sql/transaction.ts';
import type { GuardedPass } from './counts.ts';
import { compareIdentity, readIdentity } from './identity.ts';
import { nameEntity } from './name-entity.ts';
import type { Patience } from './patience.ts';

/** A table lost more than others usually take where less than this part of it is left. */
const SHRUNK = 0.5;

/** What a policy and its run came to, to be compared with what earlier runs have seen. */
export interface Examined {
  readonly policy: Policy;
  readonly catalog: Catalog;
  readonly entities: PolicyEntities;
  readonly passes: readonly GuardedPass[];
  /** The number of the last run that Temporal knows of; 0 where it knows none. */
  readonly lastRun: number;
  readonly patience: Patience;
}

/**
 * Whether the database is still the one that the last run cleaned, and its tables are. If not the policy is disarmed:
 * neither this run nor a later one begins until a person arms it.
 */
export async function examineArmed(
  database: Database,
  examined: Examined,
): Promise<{ tripped: Mistake[]; seen: Seen }> {
  const { policy, lastRun } = examined;
  const { ledger } = database;
  const now = await inSnapshot(database.db, LOOK_UP_LIMITS, readIdentity);
  const state = await readGuardState(ledger, policy.name);
  const tables = await readTables(database, examined, state);
  const seen = { ...now, tables: tables.seen };
  if (state?.disarmed !== undefined && state.disarmed !== null) {
    return { tripped: [disarmed(policy, state.disarmed, state.disarmedAt)], seen };
  }
  const past = await readPast(ledger, state?.knownRun ?? 0);
  const reasons = [...(state === undefined ? [] : compareIdentity(state, now)), ...tables.reasons];
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
  if (reasons.length === 0) return { tripped: [], seen };
  await disarm(ledger, policy.name, reasons, Math.max(lastRun, past.lastRun));
  return { tripped: [disarmed(policy, reasons, null)], seen };
}

function disarmed({ name }: Policy, reasons: readonly string[], since: string | null): Mistake {
  return {
    at: `policy ${JSON.stringify(name)}`,
    what: `it is disarmed${since === null ? '' : ` since ${since}`}: ${reasons.join('; ')}`,
    fix: `Make sure that this is the database to clean and that its rows may go, then \`temporal-vacuum arm ${name}\``,
  };
}

/** The pass's own tables: what was made anew and what shrank, and how they are now. */
async function readTables(
  database: Database,
  { policy, catalog, entities, passes, patience }: Examined,
  state: GuardState | undefined,
): Promise<{ reasons: string[]; seen: Seen['tables'] }> {
  const reasons: string[] = [];
  const seen: Record<string, Omit<SeenTable, 'run'>> = {};
  for (const { frozen, plan } of passes) {
    const key = qualifiedName(frozen.table);
    const table = catalog.named(frozen.table);
    if (table === undefined || key in seen) continue;
    // Both may be too high: the statistics where they are old, the sample where few pages have rows.
    seen[key] = { oid: table.oid, rows: Math.min(plan.tableRows, table.rows ?? Infinity) };
    const before = state?.tables[key];
    if (before === undefined) continue;
    const name = nameEntity(entities, frozen.table);
    if (before.oid !== table.oid) {
      reasons.push(`the table of ${name} was made anew since the last run`);
      continue;
    }
    const expected = before.rows - (await deletedFrom(database.ledger, frozen.table.label, before.run));
    const least = Math.floor(expected * SHRUNK);
    if (expected < Math.max(1, policy.limits.smallTable) || plan.tableRows >= least) continue;
    // A sample says so: count before anybody is woken up.
    const left = await patience.look(database, async (tx) => countUpTo(tx, frozen.table, least));
    if (left !== undefined && left < least) {
      reasons.push(
        `${name} has ${left} rows left of about ${Math.round(expected)}, and it was no run of this ledger that deleted them`,
      );
    }
  }
  return { reasons, seen };
}
