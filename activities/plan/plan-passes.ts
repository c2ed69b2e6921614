import type { Policy } from '../../policy/policy.ts';
import type { RunPass } from '../ledger/runs.ts';
import { workOf } from '../passes/index.ts';
import type { Tx } from '../sql/transaction.ts';
import type { ResolvedPolicy } from './resolve.ts';

/** Chooses a walk for each pass and cuts it into shards, in the transaction that the policy was resolved in. */
export async function planPasses(
  tx: Tx,
  policy: Policy,
  { passes, catalog }: ResolvedPolicy,
): Promise<RunPass[]> {
  const planned: RunPass[] = [];
  for (const { pass, frozen } of passes) {
    const table = catalog.named(frozen.table);
    if (table === undefined) throw new Error(`table of pass ${pass.name} vanished`);
    const plan = await workOf(pass.kind).plan(frozen, table, tx, pass.shards ?? policy.shards);
    planned.push({ name: pass.name, kind: pass.kind, frozen, plan });
  }
  return planned;
}
