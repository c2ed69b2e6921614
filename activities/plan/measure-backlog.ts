import type { PassKind } from '../../policy/pass.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import type { Holds, ViewOptions } from '../dialect/view.ts';
import { findKind } from '../passes/index.ts';
import type { Backlog } from '../stored/backlog.ts';
import type { StoredPass } from '../stored/pass.ts';
import { countBacklog, estimateBacklog } from './estimate-backlog.ts';

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
  const rows = 'runBatch' in kind ? kind.backlog?.(stored, tx.view(options)) : undefined;
  if (rows === undefined) return undefined;
  const found = await (exact ? countBacklog : estimateBacklog)(tx, table, rows);
  return { found, aged: rows.age !== null };
}
