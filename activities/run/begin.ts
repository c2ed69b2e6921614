import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import { assertValid } from '../../policy/issue.ts';
import type { BeginRunResult, LimitReached } from '../contract.ts';
import { examineRun } from '../guards/examine.ts';
import { describeGuard, GuardsError, isGuarded, listEvidence, QueryBudget } from '../guards/guard.ts';
import { limitStrays } from '../guards/limit-strays.ts';
import type { Database } from '../ledger/database.ts';
import { NO_HOLDS } from '../ledger/holds.ts';
import { listLedgerAdvice } from '../ledger/ledger-advice.ts';
import {
  addNotes,
  expectFiles,
  findOpenRun,
  insertGuarded,
  insertRun,
  noteInterrupted,
} from '../ledger/runs.ts';
import { findConnectionIssues } from '../plan/connection-issues.ts';
import { noteMissingIndexes } from '../plan/missing-indexes.ts';
import { planPasses } from '../plan/plan-passes.ts';
import type { ResolvedPolicy } from '../plan/resolve-policy.ts';
import { checkAgainst, LOOK_UP_LIMITS, resolvePolicy } from '../plan/resolve-policy.ts';
import { assertSupported } from '../plan/supported.ts';
import type { OpenRun, RunOwner } from '../stored/run.ts';
import { measureBacklogs } from './backlog.ts';
import type { RunContext } from './context.ts';
import { createSettings, toPlan } from './create-plan.ts';
import { currentWorkflowId, shouldStop } from './current-run.ts';
import { FAILURE } from './failure.ts';
import { withHeartbeat } from './heartbeat.ts';
import { findLastRun } from './last-run.ts';
import { takeOverIfDead } from './lease.ts';
import { findClosedWindow } from './limits.ts';
import { measureRun } from './measure.ts';
import { countEnd, recordBacklog } from './metrics.ts';
import type { BeginRequest } from './no-run-report.ts';
import { createNoRunReport, endWithoutRun } from './no-run-report.ts';
import type { RunRequest } from './read-input.ts';
import { readInput } from './read-input.ts';

/**
 * Begins a run: reads the input, resolves the policy, takes the lease and stores what will be done. A retry after a crash
 * finds the run that began. If the workflow asks to stop meanwhile, it returns that it was stopped.
 */
export async function beginRun(
  context: RunContext,
  input: unknown,
  firstRunId: string,
  lastReport?: unknown,
): Promise<BeginRunResult> {
  const request = readInput(input, context.policies);
  const lastRun = await findLastRun(lastReport, request.policy);
  const begin = { ...request, firstRunId, lastRun };
  return withHeartbeat(async (signal) => {
    try {
      return await startRun(context, begin, signal);
    } catch (error) {
      if (!signal.aborted || !shouldStop(Context.current())) throw error;
      return (await findBegun(context, begin)) ?? endWithoutRun(createNoRunReport(begin, 'stopped'));
    }
  });
}

/** Finds the run that an attempt began although it failed afterwards, so that it is closed like any other. */
async function findBegun(
  context: RunContext,
  { policy, firstRunId }: BeginRequest,
): Promise<BeginRunResult | undefined> {
  const { ledger } = await context.databases.named(context.databases.nameFor(policy));
  if ((await ledger.version()) === 'missing') return undefined;
  const owner = await findOwner(context, firstRunId);
  const open = await findOpenRun(ledger, policy.name);
  return open !== undefined && isOwn(open, owner) ? { outcome: 'planned', plan: toPlan(open) } : undefined;
}

/** This workflow, as the owner of a lease. */
async function findOwner(context: RunContext, firstRunId: string): Promise<RunOwner> {
  return { workflowId: currentWorkflowId(), firstRunId, temporal: await context.findTemporal() };
}

async function startRun(
  context: RunContext,
  request: BeginRequest,
  signal: AbortSignal,
): Promise<BeginRunResult> {
  const { policy, firstRunId } = request;
  const subject = `policy ${JSON.stringify(policy.name)}`;
  assertValid(subject, context.databases.check(policy));
  if (!policy.enabled) return endWithoutRun(createNoRunReport(request, 'disabled'));
  const databaseName = context.databases.nameFor(policy);
  const database = await context.databases.named(databaseName);
  await assertSupported(database.session);
  assertValid(subject, await findConnectionIssues(database.session, policy, request.passes));
  const checked = await createLedger(database, request);
  const owner = await findOwner(context, firstRunId);

  // Another run may take the lease after none was found to hold it; then look again.
  for (;;) {
    const open = await findOpenRun(database.ledger, policy.name);
    if (open !== undefined && isOwn(open, owner)) return prepareRun(database, open);
    if (open !== undefined && !(await takeOverIfDead(database.ledger, open, owner)))
      return refuseBusy(request, open);
    const closed = findClosedWindow(request.limits, Date.now());
    if (closed !== undefined) return waitForWindow(request, closed);
    const { allowPercent } = context;
    const budget = new QueryBudget({ signal });
    const known = { owner, allowPercent, budget, checked };
    const started = await planAndInsert(database, databaseName, request, known);
    if (started !== undefined) {
      await database.session.ledger.batches.prune();
      return prepareRun(database, started);
    }
  }
}

/** Notes what earlier runs left undone, measures, and returns the plan. */
async function prepareRun(database: Database, run: OpenRun): Promise<BeginRunResult> {
  await noteInterrupted(database.ledger, run.id);
  await measureRun(database, run.id, 'begin');
  // Only of passes that keep rows, which are known now. The plan has measured the others.
  const measured = await measureBacklogs(database, run.id, 'before');
  for (const backlog of measured) recordBacklog(run.policy, backlog);
  return { outcome: 'planned', plan: toPlan(run) };
}

/** Creates nothing in a database that the policy does not fit. Returns what it resolved, so that it is not read twice. */
async function createLedger(
  { session, ledger }: Database,
  { policy, passes }: RunRequest,
): Promise<ResolvedPolicy | undefined> {
  const isMissing = (await ledger.version()) === 'missing';
  const checked = isMissing ? await checkAgainst(session, policy, passes, 'execute') : undefined;
  await ledger.migrate();
  return checked;
}

/** What {@link planAndInsert} is given beside the request. */
interface PlanContext {
  readonly owner: RunOwner;
  readonly allowPercent: number;
  readonly budget: QueryBudget;
  /** The policy as it was resolved before there was a ledger. */
  readonly checked: ResolvedPolicy | undefined;
}

async function planAndInsert(
  database: Database,
  databaseName: string,
  request: BeginRequest,
  { owner, checked, ...others }: PlanContext,
): Promise<OpenRun | undefined> {
  const { policy, limits, lastRun } = request;
  const { session, ledger } = database;
  const {
    planned,
    catalog,
    entities,
    passes: resolved,
    now,
  } = await session.snapshot(LOOK_UP_LIMITS, async (tx) => {
    const known = await resolvePolicy(tx, policy, request.passes, 'execute', checked);
    const holds = (await tx.ledger.holds.readInForce()) ?? NO_HOLDS;
    // One shard could not know how many of the rows that are left another one deletes.
    const maxShards = limits.maxRows === null ? Infinity : 1;
    return { ...known, planned: await planPasses(tx, policy, known, { maxShards, holds }) };
  });
  const passes = await limitStrays(session, policy, await expectFiles(ledger, policy.name, planned));
  const settings = createSettings(policy, databaseName, passes, limits);
  const { triggered, seen } = await examineRun(database, {
    policy,
    catalog,
    entities,
    passes: passes.filter(isGuarded),
    evidence: listEvidence(passes),
    maxRows: limits.maxRows ?? Infinity,
    lastRun,
    ...others,
  });
  if (triggered.length > 0) {
    const reasons = triggered.map((guard) => describeGuard(guard, false));
    const number = await insertGuarded(ledger, owner, settings, passes, reasons);
    countEnd(policy.name, 'stopped-by-guard');
    throw new GuardsError(policy.name, triggered, number);
  }
  const run = await insertRun(ledger, owner, settings, passes, now);
  if (run === undefined) return undefined;
  for (const { name, before } of passes) {
    if (before !== undefined)
      recordBacklog(policy.name, { pass: name, backlog: { before: before.backlog }, aged: before.aged });
  }
  // Before this run there was no ledger.
  const published = checked === undefined ? [] : await listLedgerAdvice(session);
  await addNotes(ledger, run.id, [
    ...noteMissingIndexes(resolved, catalog, session.advice),
    ...published.map(({ what, fix }) => ({ what, here: fix })),
  ]);
  await session.ledger.guards.recordSeen(run, seen);
  return run;
}

function waitForWindow(request: BeginRequest, { reason, until }: LimitReached): BeginRunResult {
  const report = createNoRunReport(request, 'stopped');
  if (until !== null) return { outcome: 'early', limit: { reason, until }, report };
  return endWithoutRun({ ...report, reasons: [`stopped: ${reason}`] });
}

function isOwn(open: OpenRun, owner: RunOwner): boolean {
  return (
    open.workflowId === owner.workflowId &&
    open.firstRunId === owner.firstRunId &&
    open.temporal === owner.temporal
  );
}

function refuseBusy(request: BeginRequest, open: OpenRun): BeginRunResult {
  const { policy, ifBusy } = request;
  const holder = { run: open.id, workflowId: open.workflowId };
  if (ifBusy === 'wait') return { outcome: 'busy', holder, report: createNoRunReport(request, 'stopped') };
  if (ifBusy === 'skip') return endWithoutRun({ ...createNoRunReport(request, 'skipped'), holder });
  throw ApplicationFailure.nonRetryable(
    `policy ${policy.name} is busy: run ${open.id} of workflow ${open.workflowId} is open. ` +
      'Wait for it, stop it, or start this one with ifBusy "wait".',
    FAILURE.busy,
  );
}
