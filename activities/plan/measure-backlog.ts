import type { PassKind } from '../../policy/pass.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import type { Holds, ViewOptions } from '../dialect/view.ts';
import { findKind } from '../passes/index.ts';
import type { Backlog } from '../stored/backlog.ts';
import type { StoredPass } from '../stored/pass.ts';
import { countBacklog, estimateBacklog, sumBacklogs } from './estimate-backlog.ts';

/** Whether rows can wait for a kind of pass. */
export function hasBacklog(name: PassKind): boolean {
  const kind = findKind(name);
  return kind.countBacklog !== undefined || ('runBatch' in kind && kind.backlog !== undefined);
}

/**
 * Measures the rows that wait for a pass, and whether their age is known; undefined if none can wait. `exact` reads whole
 * tables, for kinds that do not tell by themselves.
 */
export async function measureBacklog(
  tx: Tx,
  table: CatalogTable,
  stored: StoredPass,
  options: ViewOptions & { readonly holds: Holds },
  exact = false,
): Promise<{ readonly found: Backlog; readonly aged: boolean } | undefined> {
  const kind = findKind(stored.kind);
  if (kind.countBacklog !== undefined) {
    return { found: await kind.countBacklog(stored, tx, options.holds), aged: false };
  }
  if (stored.leaves !== undefined) return measureLeaves(tx, stored.leaves, options, exact);
  const rows = 'runBatch' in kind ? kind.backlog?.(stored, tx.view(options)) : undefined;
  if (rows === undefined) return undefined;
  const found = await (exact ? countBacklog : estimateBacklog)(tx, table, rows);
  return { found, aged: rows.age !== null };
}

/** Measures the backlog of each partition that is still there. */
async function measureLeaves(
  tx: Tx,
  leaves: readonly StoredPass[],
  options: ViewOptions & { readonly holds: Holds },
  exact: boolean,
): Promise<{ readonly found: Backlog; readonly aged: boolean }> {
  const found: Backlog[] = [];
  let aged = false;
  for (const leaf of leaves) {
    const table = await tx.facts.readTable(leaf.table);
    const measured = table === undefined ? undefined : await measureBacklog(tx, table, leaf, options, exact);
    if (measured !== undefined) found.push(measured.found);
    aged ||= measured?.aged === true;
  }
  return { found: sumBacklogs(found), aged };
}
