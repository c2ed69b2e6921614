import type { Policy } from '../../policy/policy.ts';
import type { Waiting } from '../backlog/backlog.ts';
import { estimateBacklog } from '../backlog/measure.ts';
import type { RunPass } from '../ledger/runs.ts';
import type { FrozenPass, PassPlan } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { Holds } from '../sql/holds.ts';
import { TableSamples } from '../sql/sample.ts';
import type { Tx } from '../sql/transaction.ts';
import { waitingSince } from '../sql/waiting.ts';
import type { ResolvedPolicy } from './resolve.ts';
import { hashOf } from './settings-hash.ts';
import { chooseWalk, wishForWalk } from './strategy.ts';

/** The plan of a pass that is not applicable. */
const NOTHING: PassPlan = { strategy: null, shards: [], estimate: 0, tableRows: 0 };

/** What {@link planPasses} can be told. */
export interface PlanOptions {
  /** The most shards of a pass. Default: no limit. */
  readonly maxShards?: number;
  /** The holds in force. With them the backlog of each pass is taken from its sample as well. */
  readonly holds?: Holds;
}

/**
 * Chooses a walk for each pass and cuts it into shards, in the transaction that the policy was resolved in. Each table is
 * sampled once for all passes.
 */
export async function planPasses(
  tx: Tx,
  policy: Policy,
  { passes, notApplicable, catalog, now }: ResolvedPolicy,
  { maxShards = Infinity, holds }: PlanOptions = {},
): Promise<RunPass[]> {
  const samples = new TableSamples();
  const planned = policy.passes.flatMap((pass): (() => Promise<RunPass>)[] => {
    const { name, kind } = pass;
    const frozen = passes.find((resolved) => resolved.pass === pass)?.frozen;
    if (frozen === undefined) {
      if (!notApplicable.includes(name)) return [];
      return [async () => ({ name, kind, frozen: null, plan: NOTHING, settingsHash: null })];
    }
    const table = catalog.named(frozen.table);
    if (table === undefined) throw new Error(`table of pass ${name} vanished`);
    const shards = Math.min(maxShards, pass.shards ?? policy.shards);
    const plan = planPass(tx, samples, frozen, table, shards, holds);
    const settingsHash = hashOf(frozen, now);
    return [async () => ({ name, kind, frozen, settingsHash, ...(await plan()) })];
  });
  await samples.read(tx);
  const done: RunPass[] = [];
  for (const plan of planned) done.push(await plan());
  return done;
}

/** Adds what a pass asks of its table to the samples; the function plans the pass once they are read. */
function planPass(
  tx: Tx,
  samples: TableSamples,
  frozen: FrozenPass,
  table: CatalogTable,
  shards: number,
  holds: Holds | undefined,
): () => Promise<Pick<RunPass, 'plan' | 'before'>> {
  const choice = workOf(frozen.kind).plan(frozen, table, shards);
  if (!('where' in choice)) return async () => ({ plan: choice });
  const waiting = holds === undefined ? undefined : findWaiting(frozen, holds);
  if (waiting === undefined) {
    const sample = samples.add(table, wishForWalk(choice));
    return async () => ({ plan: chooseWalk(choice, sample()) });
  }
  const age = waitingSince(waiting);
  const sample = samples.add(table, { ...wishForWalk(choice), age });
  // If nothing is held, the rows that wait are those that the pass would take.
  const isHeld = holds !== undefined && holds.rows.length > 0;
  const waits = isHeld ? samples.add(table, { where: waiting.where, age, parts: 1 }) : sample;
  return async () => ({
    plan: chooseWalk(choice, sample()),
    before: {
      backlog: await estimateBacklog(tx, table, waiting, waits()),
      aged: waiting.age !== null,
    },
  });
}

/** Undefined if nothing can wait for the pass, or if the rows that it keeps are not known before the run has begun. */
function findWaiting(frozen: FrozenPass, holds: Holds): Waiting | undefined {
  const work = workOf(frozen.kind);
  if (!('runBatch' in work) || frozen.keeps !== undefined) return undefined;
  return work.waiting?.(frozen, 0, holds);
}
