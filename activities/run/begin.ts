import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import { parseDuration, sayDuration } from '../../policy/duration.ts';
import { assertValid } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Beginning, LimitReached, Plan } from '../contract.ts';
import type { Database } from '../database/database.ts';
import { FAILURE } from '../failure.ts';
import { examineRun } from '../guards/examine.ts';
import { describeGuard, GuardsError, isGuarded, QueryBudget } from '../guards/guard.ts';
import { pruneBatches } from '../ledger/batches.ts';
import { expectFiles } from '../ledger/counted-files.ts';
import { insertGuarded, keepSeen } from '../ledger/guards.ts';
import { noHolds, readHolds } from '../ledger/holds.ts';
import { noteInterrupted } from '../ledger/reclaims.ts';
import type { FrozenLimits, OpenRun, RunOwner, RunPass, RunSettings } from '../ledger/runs.ts';
import { findOpenRun, insertRun } from '../ledger/runs.ts';
import { countEnd, recordBacklog } from '../metrics/runs.ts';
import { planPasses } from '../plan/plan-passes.ts';
import type { ResolvedPolicy } from '../plan/resolve.ts';
import { checkAgainst, LOOK_UP_LIMITS, resolvePolicy } from '../plan/resolve.ts';
import { inSnapshot } from '../sql/transaction.ts';
import { measureBacklogs } from './backlog.ts';
import type { RunContext } from './context.ts';
import { whileHeartbeating } from './heartbeating.ts';
import type { RunRequest } from './input.ts';
import { readInput } from './input.ts';
import { takeOverIfDead } from './lease.ts';
import { outsideOf } from './limits.ts';
import { measureRun } from './measure.ts';
import { narrow } from './narrow.ts';
import type { Asked } from './not-begun.ts';
import { emptyReport, ended, lastRunOf } from './not-begun.ts';
import { isAskedToStop } from './own-run.ts';
import { ownWorkflowId } from './place.ts';

/** A statement on a whole table may take so many seconds: a table that takes longer is rewritten by hand. */
const LONGEST_STATEMENT = 7 * 24 * 3600;

/**
 * Begins a run: reads the input, looks the policy up, takes the lease and freezes what will be done. Trying again
 * after a crash finds the run that was begun. Asked to end meanwhile it answers that it was stopped.
 */
export async function beginRun(
  context: RunContext,
  input: unknown,
  firstRunId: string,
  lastReport?: unknown,
): Promise<Beginning> {
  const request = readInput(input, context.policies);
  const lastRun = lastRunOf(lastReport, request.policy);
  const asked = { ...request, firstRunId, lastRun };
  return whileHeartbeating(async (signal) => {
    try {
      return await begin(context, asked, signal);
    } catch (error) {
      if (!signal.aborted || !isAskedToStop(Context.current())) throw error;
      return (await findBegun(context, asked)) ?? ended(emptyReport(asked, 'stopped'));
    }
  });
}

/** The run that an attempt began although it failed then, so that it is closed like any other. */
async function findBegun(context: RunContext, { policy, firstRunId }: Asked): Promise<Beginning | undefined> {
  const { ledger } = await context.databases.named(context.databases.nameFor(policy));
  if ((await ledger.version()) === 'missing') return undefined;
  const owner = await ownerOf(context, firstRunId);
  const open = await findOpenRun(ledger, policy.name);
  return open !== undefined && isOwn(open, owner) ? { outcome: 'planned', plan: planOf(open) } : undefined;
}

/** The lease is this workflow's. */
async function ownerOf(context: RunContext, firstRunId: string): Promise<RunOwner> {
  return { workflowId: ownWorkflowId(), firstRunId, temporal: await context.place() };
}

async function begin(context: RunContext, request: Asked, signal: AbortSignal): Promise<Beginning> {
  const { policy, firstRunId } = request;
  assertValid(`policy ${JSON.stringify(policy.name)}`, context.databases.check(policy));
  if (!policy.enabled) return ended(emptyReport(request, 'disabled'));
  const databaseName = context.databases.nameFor(policy);
  const database = await context.databases.named(databaseName);
  const checked = await makeLedger(database, request);
  const owner = await ownerOf(context, firstRunId);

  // Between finding no holder and taking the lease another run may take it; then look again.
  for (;;) {
    const open = await findOpenRun(database.ledger, policy.name);
    if (open !== undefined && isOwn(open, owner)) return planned(database, open);
    if (open !== undefined && !(await takeOverIfDead(database.ledger, open, owner)))
      return busy(request, open);
    const early = outsideOf(request.limits, Date.now());
    if (early !== undefined) return beforeWindow(request, early);
    const { allowPercent } = context;
    const budget = new QueryBudget({ signal });
    const known = { owner, allowPercent, budget, checked };
    const begun = await planAndInsert(database, databaseName, request, known);
    if (begun !== undefined) {
      await pruneBatches(database.ledger);
      return planned(database, begun);
    }
  }
}

/** Says what earlier runs left undone, measures, and answers the plan. */
async function planned(database: Database, run: OpenRun): Promise<Beginning> {
  await noteInterrupted(database.ledger, run.id);
  await measureRun(database, run.id, 'begin');
  // Only of passes that keep rows: which ones is known now. Of the others the plan has measured it.
  const measured = await measureBacklogs(database, run.id, 'before');
  for (const backlog of measured) recordBacklog(run.policy, backlog);
  return { outcome: 'planned', plan: planOf(run) };
}

/** Makes nothing in a database that the policy does not fit. Returns what it looked up, so that it is not read twice. */
async function makeLedger(
  { db, ledger }: Database,
  { policy, passes }: RunRequest,
): Promise<ResolvedPolicy | undefined> {
  const isMissing = (await ledger.version()) === 'missing';
  const checked = isMissing ? await checkAgainst(db, policy, passes, 'execute') : undefined;
  await ledger.migrate();
  return checked;
}

/** What {@link planAndInsert} is given beside the request. */
interface Known {
  readonly owner: RunOwner;
  readonly allowPercent: number;
  readonly budget: QueryBudget;
  /** The policy as it was looked up before there was a ledger. */
  readonly checked: ResolvedPolicy | undefined;
}

async function planAndInsert(
  database: Database,
  databaseName: string,
  request: Asked,
  { owner, checked, ...known }: Known,
): Promise<OpenRun | undefined> {
  const { policy, limits, lastRun } = request;
  const { ledger } = database;
  const { chosen, catalog, entities } = await inSnapshot(database.db, LOOK_UP_LIMITS, async (tx) => {
    const resolved = await resolvePolicy(tx, policy, request.passes, 'execute', checked);
    const holds = (await readHolds(tx, ledger)) ?? noHolds(ledger);
    // Two shards could not know what the other one takes of the rows that are left.
    const maxShards = limits.maxRows === null ? Infinity : 1;
    return { ...resolved, chosen: await planPasses(tx, policy, resolved, { maxShards, holds }) };
  });
  const passes = await expectFiles(ledger, policy.name, chosen);
  const settings = settingsOf(policy, databaseName, passes, limits);
  const { triggered, seen } = await examineRun(database, {
    policy,
    catalog,
    entities,
    passes: passes.filter(isGuarded),
    maxRows: limits.maxRows ?? Infinity,
    lastRun,
    ...known,
  });
  if (triggered.length > 0) {
    const reasons = triggered.map((guard) => describeGuard(guard, false));
    await insertGuarded(ledger, owner, settings, passes, reasons);
    countEnd(policy.name, 'failed');
    throw new GuardsError(policy.name, triggered);
  }
  const run = await insertRun(ledger, owner, settings, passes);
  if (run === undefined) return undefined;
  for (const { name, before } of passes) {
    if (before !== undefined)
      recordBacklog(policy.name, { pass: name, backlog: { before: before.backlog }, aged: before.aged });
  }
  await keepSeen(ledger, run, seen);
  return run;
}

function beforeWindow(request: Asked, { reason, until }: LimitReached): Beginning {
  const report = emptyReport(request, 'stopped');
  if (until !== null) return { outcome: 'early', limit: { reason, until }, report };
  return ended({ ...report, reasons: [`stopped: ${reason}`] });
}

/** What a run keeps of a policy and its plan. */
export function settingsOf(
  policy: Policy,
  database: string,
  passes: readonly RunPass[],
  limits: FrozenLimits = narrow(policy.limits),
): RunSettings {
  const { seconds = 20, batches } = policy.slice;
  return {
    plan: {
      policy: policy.name,
      database,
      sliceSeconds: seconds,
      passes: passes.map(({ name, kind, plan, frozen }) => ({
        name,
        kind,
        strategy: plan.strategy,
        shards: plan.shards.length,
        ...(frozen === null ? { notApplicable: true } : {}),
        estimate: plan.estimate,
        dependsOn: policy.passes.find((pass) => pass.name === name)?.dependsOn ?? [],
        repeats: frozen !== null && 'nesting' in frozen && frozen.nesting !== null,
        ...(plan.strategy === 'tables' ? { stepSeconds: LONGEST_STATEMENT } : {}),
      })),
    },
    mostRows: policy.batchSize === 'auto' ? null : policy.batchSize,
    targetMillis: parseDuration(policy.batchTarget) ?? 100,
    pauseMillis: parseDuration(policy.batchPause) ?? 0,
    sliceSeconds: seconds,
    sliceBatches: batches ?? null,
    limits,
  };
}

function planOf({ id, startedAt, settings }: OpenRun): Plan {
  const maxMillis = settings.limits?.maxMillis ?? null;
  if (maxMillis === null) return { ...settings.plan, run: id, startedAt };
  const at = new Date(Date.parse(startedAt) + maxMillis).toISOString();
  const reason = `limit maxDuration ${sayDuration(maxMillis)} reached: paused for longer`;
  return { ...settings.plan, run: id, startedAt, end: { at, reason } };
}

function isOwn(open: OpenRun, owner: RunOwner): boolean {
  return (
    open.workflowId === owner.workflowId &&
    open.firstRunId === owner.firstRunId &&
    open.temporal === owner.temporal
  );
}

function busy(request: Asked, open: OpenRun): Beginning {
  const { policy, ifBusy } = request;
  const holder = { run: open.id, workflowId: open.workflowId };
  if (ifBusy === 'wait') return { outcome: 'busy', holder, report: emptyReport(request, 'stopped') };
  if (ifBusy === 'skip') return ended({ ...emptyReport(request, 'skipped'), holder });
  throw ApplicationFailure.nonRetryable(
    `policy ${policy.name} is busy: run ${open.id} of workflow ${open.workflowId} is open. ` +
      'Wait for it, stop it, or start this one with ifBusy "wait".',
    FAILURE.busy,
  );
}
