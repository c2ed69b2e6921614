import type { Policy } from '../../policy/policy.ts';
import type { RunPass } from '../ledger/runs.ts';
import type { PassPlan } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import type { Tx } from '../sql/transaction.ts';
import type { ResolvedPolicy } from './resolve.ts';
import { hashOf } from './settings-hash.ts';

/** The plan of a pass that is not applicable. */
const NOTHING: PassPlan = { strategy: null, shards: [], estimate: 0, tableRows: 0 };

/**
 * Chooses a walk for each pass and cuts it into shards, at most so many, in the transaction that the policy was resolved
 * in.
 */
export async function planPasses(
  tx: Tx,
  policy: Policy,
  { passes, notApplicable, catalog, now }: ResolvedPolicy,
  mostShards = Infinity,
): Promise<RunPass[]> {
  const planned: RunPass[] = [];
  for (const pass of policy.passes) {
    const frozen = passes.find((resolved) => resolved.pass === pass)?.frozen;
    if (frozen === undefined) {
      if (notApplicable.includes(pass.name))
        planned.push({ name: pass.name, kind: pass.kind, frozen: null, plan: NOTHING, settingsHash: null });
      continue;
    }
    const table = catalog.named(frozen.table);
    if (table === undefined) throw new Error(`table of pass ${pass.name} vanished`);
    const shards = Math.min(mostShards, pass.shards ?? policy.shards);
    const plan = await workOf(pass.kind).plan(frozen, table, tx, shards);
    const settingsHash = hashOf(frozen, now);
    planned.push({ name: pass.name, kind: pass.kind, frozen, plan, settingsHash });
  }
  return planned;
}
