import type { Policy } from '../../policy/policy.ts';
import type { Catalog, CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import type { Holds, View } from '../dialect/view.ts';
import { findKind } from '../passes/index.ts';
import type { BacklogRows } from '../passes/pass.ts';
import { chooseScan, toSampleRequest } from '../resolve/scan-choice.ts';
import type { Backlog } from '../stored/backlog.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { RunPass } from '../stored/run.ts';
import type { LeafShard, PassPlan } from '../stored/scan.ts';
import { estimateBacklog, sumBacklogs } from './estimate-backlog.ts';
import type { ResolvedPolicy } from './resolve-policy.ts';
import { hashSettings } from './settings-hash.ts';
import { TableSamples } from './table-samples.ts';

/** The plan of a pass that is not applicable. */
const NOTHING: PassPlan = { scan: null, shards: [], estimate: 0, tableRows: 0 };

/** Options of {@link planPasses}. */
interface PlanOptions {
  /** The most shards of a pass. Default: no limit. */
  readonly maxShards?: number;
  /** The holds in force. With them the backlog of each pass is taken from its sample as well. */
  readonly holds?: Holds;
}

/**
 * Chooses a scan for each pass and cuts it into shards, in the transaction that the policy was resolved in. Each table is
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
    const stored = passes.find((resolved) => resolved.pass === pass)?.stored;
    if (stored === undefined) {
      if (!notApplicable.includes(name)) return [];
      return [async () => ({ name, kind, stored: null, plan: NOTHING, settingsHash: null })];
    }
    const table = catalog.named(stored.table);
    if (table === undefined) throw new Error(`table of pass ${name} vanished`);
    const shards = Math.min(maxShards, pass.shards ?? policy.shards);
    const planOn = (own: StoredPass, on: CatalogTable, parts: number): (() => Promise<PlannedScan>) =>
      planPass(tx, samples, name, own, on, parts, holds, now);
    const plan =
      stored.leaves === undefined
        ? planOn(stored, table, shards)
        : planLeaves(stored.leaves, catalog, (leaf, on) => planOn(leaf, on, 1));
    const settingsHash = hashSettings(stored, now);
    return [async () => ({ name, kind, stored, settingsHash, ...(await plan()) })];
  });
  await samples.read(tx);
  const done: RunPass[] = [];
  for (const plan of planned) done.push(await plan());
  return done;
}

type PlannedScan = Pick<RunPass, 'plan' | 'before'>;

/** Plans one shard that goes through the partitions of a table, one after the other. */
function planLeaves(
  leaves: readonly StoredPass[],
  catalog: Catalog,
  planOn: (leaf: StoredPass, table: CatalogTable) => () => Promise<PlannedScan>,
): () => Promise<PlannedScan> {
  const plans = leaves.flatMap((leaf) => {
    const table = catalog.named(leaf.table);
    return table === undefined ? [] : [{ table, plan: planOn(leaf, table) }];
  });
  return async () => {
    const parts: LeafShard[] = [];
    const backlogs: Backlog[] = [];
    let [estimate, tableRows, aged] = [0, 0, false];
    for (const { table, plan: readPlan } of plans) {
      const { plan, before } = await readPlan();
      const { schema, name } = table;
      estimate += plan.estimate;
      tableRows += plan.tableRows;
      parts.push(...plan.shards.map((shard) => ({ table: { schema, name }, shard, rows: plan.estimate })));
      if (before !== undefined) backlogs.push(before.backlog);
      aged ||= before?.aged === true;
    }
    const scan = 'by-partition';
    const shards = parts.length === 0 ? [] : [{ scan, leaves: parts } as const];
    return {
      plan: { scan, shards, estimate, tableRows },
      ...(backlogs.length === 0 ? {} : { before: { backlog: sumBacklogs(backlogs), aged } }),
    };
  };
}

/** Adds what a pass requests of its table to the samples; the function plans the pass once they are read. */
function planPass(
  tx: Tx,
  samples: TableSamples,
  name: string,
  stored: StoredPass,
  table: CatalogTable,
  shards: number,
  holds: Holds | undefined,
  now: string,
): () => Promise<PlannedScan> {
  const view = tx.view(holds === undefined ? { now } : { holds, now });
  const choice = findKind(stored.kind).plan(stored, table, shards, view);
  if (!('where' in choice)) return async () => ({ plan: choice });
  const backlog = holds === undefined ? undefined : findBacklog(stored, view);
  if (backlog === undefined) {
    const sample = samples.add(name, table, toSampleRequest(choice));
    return async () => ({ plan: chooseScan(choice, sample()) });
  }
  const ages = backlog.age?.ages;
  const sample = samples.add(name, table, { ...toSampleRequest(choice), ages });
  // If nothing is held, the rows of the backlog are those that the pass would delete.
  const isHeld = holds !== undefined && holds.rows.length > 0;
  const backlogSample = isHeld ? samples.add(name, table, { where: backlog.where, ages, parts: 1 }) : sample;
  return async () => ({
    plan: chooseScan(choice, sample()),
    before: {
      backlog: await estimateBacklog(tx, table, backlog, backlogSample()),
      aged: backlog.age !== null,
    },
  });
}

/** Undefined if the pass has no backlog, or if the rows that it keeps are not known before the run has started. */
function findBacklog(stored: StoredPass, view: View): BacklogRows | undefined {
  const kind = findKind(stored.kind);
  if (!('runBatch' in kind) || stored.keeps !== undefined) return undefined;
  return kind.backlog?.(stored, view);
}
