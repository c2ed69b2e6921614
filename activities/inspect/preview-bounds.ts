import type { Catalog } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { findKind } from '../passes/index.ts';
import { probeDeletes } from '../plan/check-statements.ts';
import type { ResolvedPass } from '../plan/resolved-pass.ts';
import { findTriggerBounds } from '../plan/trigger-bounds.ts';
import { clearsReferences } from '../resolve/cascades.ts';
import type { Predicate, TableName } from '../stored/columns.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { PreviewBound } from '../stored/report.ts';

/** Why runs of some passes, in their order, may delete other rows than a preview counts, by pass. */
export async function findBounds(
  tx: Tx,
  passes: readonly ResolvedPass[],
  catalog: Catalog,
): Promise<ReadonlyMap<string, readonly PreviewBound[]>> {
  const bounds = new Map<string, PreviewBound[]>();
  const earlier: TableName[] = [];
  for (const resolved of passes) {
    const { pass, stored } = resolved;
    const refused = await probeDeletes(tx, resolved, catalog);
    bounds.set(pass.name, [
      ...refused.map(({ what, here = '' }): PreviewBound => ({ rows: 'at most', why: what, here })),
      ...findTriggerBounds(stored, catalog),
      ...(findKind(stored.kind).bounds?.(stored, earlier) ?? []),
      ...findCleared(stored, earlier, catalog),
    ]);
    earlier.push(...stored.counted);
  }
  return bounds;
}

/** What deletes of earlier passes change in rows that stay: a preview reads these rows as they are. */
function findCleared(stored: StoredPass, earlier: readonly TableName[], catalog: Catalog): PreviewBound[] {
  const deleted = (id: string): boolean => earlier.some(({ label }) => label === catalog.findLabel(id));
  const keys = catalog.foreignKeys.filter(
    (key) => key.enforced && clearsReferences(key) && deleted(key.parent),
  );
  const table = catalog.named(stored.table);
  const where = 'where' in stored ? (stored.where as Predicate).text : '';
  const ages = new Set((stored.ages ?? []).map(({ name }) => name));
  const computed = [...(table?.columns.values() ?? [])].filter(
    ({ name, computed: isComputed }) =>
      isComputed === true && (ages.has(name) || where.includes(`"${name}"`)),
  );
  const isOwn = keys.some(({ child }) => child === table?.id);
  const defaults = keys.filter(
    ({ onDelete, child, parent }) =>
      onDelete === 'set default' && (child === table?.id || parent === table?.id),
  );
  return [
    ...(isOwn ? computed : []).map(({ name }): PreviewBound => ({
      rows: 'about',
      why: 'its age or filter is a column that the database computes, in a row that an earlier pass changes',
      here: `column ${name} of table ${stored.table.label}`,
    })),
    ...defaults.map(({ name, child }): PreviewBound => ({
      rows: 'about',
      why: 'an earlier pass sets references to their default, and rows may be referenced then that were not',
      here: `constraint ${name} of table ${catalog.findLabel(child) ?? ''}`,
    })),
  ];
}
