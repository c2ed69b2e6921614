import { sql } from 'kysely';

import type { PassKind } from '../../policy/pass.ts';
import type { Window } from '../../policy/window.ts';
import type { Backlog } from '../backlog/backlog.ts';
import type { Ending, Holder, Plan } from '../contract.ts';
import type { FrozenPass, PassPlan } from '../passes/index.ts';
import { waitForBatches } from '../sql/fence.ts';
import type { Tx } from '../sql/transaction.ts';
import { inTransaction } from '../sql/transaction.ts';
import { NOT_MEASURED } from './backlogs.ts';
import { dropKept, writeKept } from './kept.ts';
import type { Ledger } from './ledger.ts';
import { foldTotals } from './totals.ts';

/** The workflow that a run belongs to. */
export interface RunOwner {
  readonly workflowId: string;
  /** First run id of its chain, which stays the same over continue-as-new. */
  readonly firstRunId: string;
  /** Cluster and namespace. */
  readonly temporal: string;
}

/** The settings that slices work by, as frozen. */
export interface RunSettings {
  readonly plan: Omit<Plan, 'run' | 'startedAt'>;
  readonly mostRows: number | null;
  readonly targetMillis: number;
  readonly pauseMillis: number;
  readonly sliceSeconds: number;
  readonly sliceBatches: number | null;
  /** Runs that an earlier release began have none. */
  readonly limits?: FrozenLimits;
}

/** How much a run may do and when, as frozen. */
export interface FrozenLimits {
  readonly maxRows: number | null;
  readonly maxMillis: number | null;
  readonly window: Window | null;
  readonly whenClosed: 'wait' | 'stop';
}

/** A pass to begin a run with. */
export interface RunPass {
  readonly name: string;
  readonly kind: PassKind;
  /** Null where the pass is not applicable to the database. */
  readonly frozen: FrozenPass | null;
  readonly plan: PassPlan;
  /** What decides which rows the pass deletes: see `hashOf`. Null where it is not applicable. */
  readonly settingsHash: string | null;
  /** The backlog by the plan's sample, and whether its age is known; left out if the plan did not measure it. */
  readonly before?: { readonly backlog: Backlog; readonly aged: boolean };
}

/** A run that is open. */
export interface OpenRun extends RunOwner {
  readonly id: number;
  readonly policy: string;
  readonly settings: RunSettings;
  readonly startedAt: string;
}

/** A pass of an open run, as it was frozen. */
export interface OpenPass {
  readonly name: string;
  readonly frozen: FrozenPass;
  readonly shards: PassPlan['shards'];
}

const LIMITS = { lockMillis: 10_000, statementMillis: 30_000 };
/** Finding the newest rows of all groups sorts a whole table. */
const KEEPING_LIMITS = { lockMillis: 10_000, statementMillis: 300_000 };

/** The open run of a policy, which holds its lease. */
export async function findOpenRun(ledger: Ledger, policy: string): Promise<OpenRun | undefined> {
  const { rows } = await sql<OpenRun>`
    select
      id, policy, settings,
      workflow_id as "workflowId", first_run_id as "firstRunId", temporal,
      to_json(started_at) #>> '{}' as "startedAt"
    from ${ledger.table('run')}
    where policy = ${policy} and ended_at is null`.execute(ledger.db);
  return rows[0];
}

/** The workflow that a run belongs to; undefined where there is no such run. */
export async function findWorkflowOf(ledger: Ledger, run: number): Promise<string | undefined> {
  const { rows } = await sql<{ workflowId: string }>`
    select workflow_id as "workflowId" from ${ledger.table('run')} where id = ${run}`.execute(ledger.db);
  return rows[0]?.workflowId;
}

/** Begins a run and takes the policy's lease; undefined where another run holds it. */
export async function insertRun(
  ledger: Ledger,
  owner: RunOwner,
  settings: RunSettings,
  passes: readonly RunPass[],
): Promise<OpenRun | undefined> {
  return inTransaction(ledger.db, KEEPING_LIMITS, async (tx) => {
    const { policy } = settings.plan;
    const { rows } = await sql<{ id: number; startedAt: string }>`
      insert into ${ledger.table('run')} (policy, mode, state, workflow_id, first_run_id, temporal, settings)
      values (
        ${policy}, 'execute', 'running', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal},
        ${JSON.stringify(settings)}::jsonb)
      on conflict (policy) where ended_at is null do nothing
      returning id, to_json(started_at) #>> '{}' as "startedAt"`.execute(tx);
    const run = rows[0];
    if (run === undefined) return undefined;
    await insertPasses(tx, ledger, run.id, passes);
    return { ...owner, ...run, policy, settings };
  });
}

/** Adds the passes of a run. */
export async function insertPasses(
  tx: Tx,
  ledger: Ledger,
  run: number,
  passes: readonly RunPass[],
): Promise<void> {
  for (const [ordinal, { name, kind, frozen, plan, settingsHash, before }] of passes.entries()) {
    await sql`
      insert into ${ledger.table('pass')}
        (run_id, ordinal, name, kind, state, strategy, shards, frozen, estimate, settings_hash, backlog)
      values (
        ${run}, ${ordinal}, ${name}, ${kind}, ${frozen === null ? 'not-applicable' : 'planned'},
        ${plan.strategy}, ${JSON.stringify(plan.shards)}::jsonb, ${JSON.stringify(frozen ?? {})}::jsonb,
        ${plan.estimate}, ${settingsHash},
        ${before === undefined ? null : JSON.stringify({ ...NOT_MEASURED, before: before.backlog })}::jsonb)`.execute(
      tx,
    );
    if (frozen?.keeps !== undefined) await writeKept(tx, ledger, run, ordinal, frozen.keeps);
  }
}

/** What a pass of a run was frozen to. */
export async function readFrozenPass(
  ledger: Ledger,
  run: number,
  ordinal: number,
): Promise<OpenPass | undefined> {
  const { rows } = await sql<OpenPass>`
    select name, frozen, shards
    from ${ledger.table('pass')}
    where run_id = ${run} and ordinal = ${ordinal}`.execute(ledger.db);
  return rows[0];
}

/**
 * Closes a run: waits until no batch of it is under way, folds the batches into the totals of its passes and gives
 * the lease free. No batch can commit to it afterwards. Does nothing where the run is closed, and says whether it did.
 */
export async function closeRun(ledger: Ledger, ending: Omit<Ending, 'database'>): Promise<boolean> {
  return inTransaction(ledger.db, LIMITS, async (tx) => {
    await waitForBatches(tx, ledger.lockWords('run', ending.run));
    const { rows } = await sql<{ id: number }>`
      update ${ledger.table('run')}
      set
        state = ${ending.status},
        ended_at = clock_timestamp(),
        reasons = ${JSON.stringify(ending.reasons)}::jsonb
      where id = ${ending.run} and ended_at is null
      returning id`.execute(tx);
    if (rows.length === 0) return false;
    await foldTotals(tx, ledger, ending);
    await dropKept(tx, ledger, ending.run);
    return true;
  });
}

/** Closes a run whose workflow is gone, so that another one can take the lease; false where it was closed. */
export async function closeTerminatedRun(ledger: Ledger, { run, workflowId }: Holder): Promise<boolean> {
  return closeTerminated(ledger, run, `workflow ${workflowId} was closed without closing its run`);
}

/** Closes a run that a person says is over, since its Temporal cannot be asked any more. */
export async function closeByHand(ledger: Ledger, run: number): Promise<void> {
  await closeTerminated(ledger, run, 'closed by hand');
}

async function closeTerminated(ledger: Ledger, run: number, reason: string): Promise<boolean> {
  const status = 'terminated';
  return closeRun(ledger, { run, status, passes: [], reasons: [reason], longestMillis: 0 });
}
