import { Pacer } from '../../activities/batch/pacer.ts';
import { prepareBatch } from '../../activities/batch/prepare-batch.ts';
import { runBatch } from '../../activities/batch/run-batch.ts';
import type { Database } from '../../activities/database/database.ts';
import { openDatabase } from '../../activities/database/database.ts';
import { findPosition, totalOf } from '../../activities/ledger/batches.ts';
import type { LedgerReport } from '../../activities/ledger/reports.ts';
import { readReport } from '../../activities/ledger/reports.ts';
import type { OpenRun } from '../../activities/ledger/runs.ts';
import { closeRun, findOpenRun, insertRun, readFrozenPass } from '../../activities/ledger/runs.ts';
import type { PassPlan, Strategy } from '../../activities/passes/index.ts';
import { planPasses } from '../../activities/plan/plan-passes.ts';
import { resolvePolicy } from '../../activities/plan/resolve.ts';
import { settingsOf } from '../../activities/run/begin.ts';
import { inSnapshot } from '../../activities/sql/transaction.ts';
import type { Policy } from '../../policy/policy.ts';

const LIMITS = { lockMillis: 5000, statementMillis: 60_000 };

/** What to do otherwise than a run would. */
export interface EngineOptions {
  readonly passes?: readonly string[];
  /** Walks that a pass is forced to, where it can be walked so. */
  readonly strategy?: Strategy;
  /** Lock rows and weigh what goes with them in every batch. */
  readonly careful?: boolean;
  /** The size of every batch. Default: the pacer's. */
  readonly size?: number;
  /** Ends what a batch does outside of its transaction. */
  readonly signal?: AbortSignal;
  /** The policy that the worker has by then. Default: the one that the run was begun with. */
  readonly live?: Policy;
  readonly afterBatch?: (database: Database) => Promise<void>;
}

/**
 * Runs a policy with the engine alone, without Temporal: shard after shard, round after round. Goes on with a run that an
 * earlier call left open.
 */
export async function runEngine(
  url: string,
  policy: Policy,
  options: EngineOptions = {},
): Promise<LedgerReport> {
  const database = await openDatabase(url);
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

async function begin(database: Database, policy: Policy, options: EngineOptions): Promise<OpenRun> {
  const names = options.passes ?? policy.passes.map((pass) => pass.name);
  const passes = await inSnapshot(database.db, LIMITS, async (tx) => {
    const resolved = await resolvePolicy(tx, policy, names, 'execute');
    const planned = await planPasses(tx, policy, resolved);
    return planned.map((pass) => {
      if (pass.frozen === null) return pass;
      const pages = resolved.catalog.named(pass.frozen.table)?.pages ?? 0;
      return { ...pass, plan: force(pass.plan, options, pass.frozen, pages) };
    });
  });
  const owner = { workflowId: 'engine', firstRunId: String(Math.random()), temporal: 'none' };
  const run = await insertRun(database.ledger, owner, settingsOf(policy, 'main', passes), passes);
  if (run === undefined) throw new Error('the policy is busy');
  return run;
}

function force(plan: PassPlan, { strategy }: EngineOptions, frozen: object, pages: number): PassPlan {
  if (strategy === undefined || strategy === plan.strategy) return plan;
  if (strategy === 'page-range') {
    return {
      ...plan,
      strategy,
      shards: [{ strategy, fromPage: 0, untilPage: pages, open: true, rowsPerPage: 10 }],
    };
  }
  if (strategy === 'keyset' && 'ages' in frozen && (frozen.ages as unknown[]).length === 1) {
    const until = String('horizon' in frozen && frozen.horizon);
    return { ...plan, strategy, shards: [{ strategy, from: null, until, oldest: null }] };
  }
  if (strategy === 'loose-index' && 'by' in frozen) {
    return { ...plan, strategy, shards: [{ strategy, after: null, until: null }] };
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
  const { ledger } = database;
  const pass = await readFrozenPass(ledger, run.id, ordinal);
  const planned = run.settings.plan.passes[ordinal];
  if (pass === undefined || planned === undefined) throw new Error(`no pass ${ordinal}`);
  if (planned.notApplicable === true) return;
  const { frozen } = pass;
  const keys = pass.shards.map((_, shard) => ({ run: run.id, pass: ordinal, shard }));
  const positions = await Promise.all(keys.map(async (key) => findPosition(ledger, key)));
  for (let round = Math.max(1, ...positions.map((at) => at?.round ?? 1)); ; round += 1) {
    for (const [shard, range] of pass.shards.entries()) {
      const key = { run: run.id, pass: ordinal, shard };
      const pacer = new Pacer(run.settings.targetMillis, frozen.familySize);
      const place = { key, policy: run.policy, passName: pass.name, frozen, round };
      for (;;) {
        const position = await findPosition(database.ledger, key);
        const inRound = position?.round === round ? position : undefined;
        if (inRound?.done === true) break;
        const prepared = await prepareBatch(database, place, inRound?.cursor ?? null, {
          pass: (options.live ?? policy).passes.find(({ name }) => name === pass.name),
          signal: options.signal ?? new AbortController().signal,
          heartbeat: () => undefined,
          debug: () => undefined,
        });
        const step = {
          shard: range,
          cursor: inRound?.cursor ?? null,
          size: options.size ?? pacer.size,
          mostRows: run.settings.mostRows ?? Infinity,
          giant: options.size ?? pacer.giant,
          bite: options.size ?? pacer.bite,
          familySize: pacer.familySize,
          reach: pacer.reach,
          careful: options.careful ?? false,
          passOver: false,
          ...(prepared === undefined ? {} : { prepared }),
        };
        const done = await runBatch(database, place, position, step, 10_000);
        if (done === undefined) throw new Error('fenced');
        pacer.learnFrom(done);
        await options.afterBatch?.(database);
      }
    }
    const totals = await Promise.all(keys.map(async (key) => totalOf(ledger, key, round)));
    if (!planned.repeats || totals.every(({ rows }) => rows === 0)) return;
  }
}
