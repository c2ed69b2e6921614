import { readDatabaseError } from '../../activities/dialect/read-error.ts';
import type { Database, DatabaseSource } from '../../activities/ledger/database.ts';
import { openDatabase } from '../../activities/ledger/database.ts';
import { readReport } from '../../activities/ledger/reports.ts';
import { closeRun, findOpenRun, insertRun } from '../../activities/ledger/runs.ts';
import { findKind } from '../../activities/passes/index.ts';
import { planPasses } from '../../activities/plan/plan-passes.ts';
import { resolvePolicy } from '../../activities/plan/resolve-policy.ts';
import type { BatchShard } from '../../activities/run/batch.ts';
import { runBatch } from '../../activities/run/batch.ts';
import { createSettings } from '../../activities/run/create-plan.ts';
import { Pacer } from '../../activities/run/pacer.ts';
import { renewPass } from '../../activities/run/renew-pass.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import type { OpenRun } from '../../activities/stored/run.ts';
import type { PassPlan, Scan } from '../../activities/stored/scan.ts';
import type { Policy } from '../../policy/policy.ts';

const LIMITS = { lockMillis: 5000, statementMillis: 60_000 };

/** What to do otherwise than a run would. */
export interface EngineOptions {
  readonly passes?: readonly string[];
  /** The scan that a pass is forced to, if its table can be scanned so. */
  readonly scan?: Scan;
  /** Lock rows and count their dependents in every batch. */
  readonly lockFirst?: boolean;
  /** The size of every batch. Default: the pacer's. */
  readonly size?: number;
  /** Ends what a batch does outside of its transaction. */
  readonly signal?: AbortSignal;
  /** The policy that the worker has by then. Default: the one that the run was started with. */
  readonly live?: Policy;
  readonly afterBatch?: (database: Database) => Promise<void>;
}

/**
 * Runs a policy with the engine alone, without Temporal: shard after shard, round after round. Goes on with a run that an
 * earlier call left open.
 */
export async function runEngine(
  source: DatabaseSource,
  policy: Policy,
  options: EngineOptions = {},
): Promise<LedgerReport> {
  const database = await openDatabase(source);
  try {
    await database.ledger.migrate();
    const run = (await findOpenRun(database.ledger, policy.name)) ?? (await begin(database, policy, options));
    for (const ordinal of run.settings.plan.passes.keys())
      await runPass(database, policy, run, ordinal, options);
    await closeRun(database.ledger, {
      run: run.id,
      status: 'completed',
      passes: run.settings.plan.passes.map(({ notApplicable }) => ({
        status: notApplicable === true ? 'not-applicable' : 'completed',
      })),
      reasons: [],
      longestMillis: 0,
    });
    const report = await readReport(database.ledger, run.id);
    if (report === undefined) throw new Error('the run is not in the ledger');
    return report;
  } finally {
    await database.close();
  }
}

async function begin(
  { session, ledger }: Database,
  policy: Policy,
  options: EngineOptions,
): Promise<OpenRun> {
  const names = options.passes ?? policy.passes.map((pass) => pass.name);
  const { passes, now } = await session.snapshot(LIMITS, async (tx) => {
    const resolved = await resolvePolicy(tx, policy, names, 'execute');
    const planned = await planPasses(tx, policy, resolved);
    const forced = planned.map((pass) => {
      if (pass.stored === null) return pass;
      const pages = resolved.catalog.named(pass.stored.table)?.pages ?? 0;
      return { ...pass, plan: force(pass.plan, options, pass.stored, pages) };
    });
    return { passes: forced, now: resolved.now };
  });
  const owner = { workflowId: 'engine', firstRunId: String(Math.random()), temporal: 'none' };
  const run = await insertRun(ledger, owner, createSettings(policy, 'main', passes), passes, now);
  if (run === undefined) throw new Error('the policy is busy');
  return run;
}

function force(plan: PassPlan, { scan }: EngineOptions, stored: object, pages: number): PassPlan {
  // The rows of a partitioned table lie in its partitions, each of which has a shard.
  if (scan === undefined || scan === plan.scan || 'leaves' in stored) return plan;
  if (scan === 'by-location') {
    return {
      ...plan,
      scan,
      shards: [{ scan, fromPage: 0, untilPage: pages, open: true, rowsPerPage: 10 }],
    };
  }
  if (scan === 'by-age' && 'ages' in stored && (stored.ages as unknown[]).length === 1 && !('by' in stored)) {
    const until = String('horizon' in stored && stored.horizon);
    return { ...plan, scan, shards: [{ scan, from: null, until, oldest: null }] };
  }
  if (scan === 'by-parent-key' && 'by' in stored) {
    return { ...plan, scan, shards: [{ scan, after: null, until: null }] };
  }
  return plan;
}

async function runPass(
  database: Database,
  policy: Policy,
  run: OpenRun,
  ordinal: number,
  options: EngineOptions,
): Promise<void> {
  const { runs, batches } = database.session.ledger;
  const targetMillis = Math.min(run.settings.targetMillis, database.session.maxBatchMillis ?? Infinity);
  const pass = await runs.readPass(run.id, ordinal);
  const planned = run.settings.plan.passes[ordinal];
  if (pass === undefined || planned === undefined) throw new Error(`no pass ${ordinal}`);
  if (planned.notApplicable === true) return;
  const { stored } = pass;
  const kind = findKind(stored.kind);
  if (!('runBatch' in kind)) {
    if (pass.shards.length === 0) return;
    throw new Error(`a pass of kind ${stored.kind} has no batches`);
  }
  const keys = pass.shards.map((_, shard) => ({ run: run.id, pass: ordinal, shard }));
  const positions = await Promise.all(keys.map(async (key) => batches.findLast(key)));
  for (let round = Math.max(1, ...positions.map((at) => at?.round ?? 1)); ; round += 1) {
    for (const [shard, range] of pass.shards.entries()) {
      const key = { run: run.id, pass: ordinal, shard };
      const pacer = new Pacer(targetMillis, stored.rowsPerParent);
      let own: BatchShard = { kind, key, policy: run.policy, passName: pass.name, stored, round };
      for (;;) {
        const position = await batches.findLast(key);
        const inRound = position?.round === round ? position : undefined;
        if (inRound?.done === true) break;
        const prepared = await kind.prepare?.(own.stored, inRound?.cursor ?? null, {
          session: database.session,
          outbox: { policy: run.policy, pass: pass.name, run: run.id },
          pass: (options.live ?? policy).passes.find(({ name }) => name === pass.name),
          signal: options.signal ?? new AbortController().signal,
          heartbeat: () => undefined,
          debug: () => undefined,
        });
        const step = {
          shard: range,
          cursor: inRound?.cursor ?? null,
          size: options.size ?? pacer.size,
          maxRows: run.settings.maxRows ?? Infinity,
          oversized: options.size ?? pacer.oversized,
          chunk: options.size ?? pacer.chunk,
          rowsPerParent: pacer.rowsPerParent,
          readFactor: pacer.readFactor,
          lockFirst: options.lockFirst ?? false,
          skipFirstRow: false,
          isolate: false,
          ...(prepared === undefined ? {} : { prepared }),
        };
        const done = await runBatch(database, own, position, step, 10_000)
          .catch(async (error: unknown) => {
            if (readDatabaseError(error)?.kind !== 'row forbidden') throw error;
            return runBatch(database, own, position, { ...step, lockFirst: true, isolate: true }, 10_000);
          })
          .catch(async (error: unknown) => {
            own = await renewPass(database, options.live ?? policy, run, own, error);
            return 'again' as const;
          });
        if (done === 'again') continue;
        if (done === undefined) throw new Error('the shard is busy');
        pacer.learnFrom(done);
        await options.afterBatch?.(database);
      }
    }
    const totals = await Promise.all(keys.map(async (key) => batches.sumRound(key, round)));
    if (!planned.repeats || totals.every(({ rows }) => rows === 0)) return;
  }
}
