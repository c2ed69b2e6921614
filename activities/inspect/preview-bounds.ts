import { listInner } from '../dialect/blockers.ts';
import { listSteps } from '../dialect/cascade-paths.ts';
import type { Catalog } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { listTriggers } from '../dialect/kept-rows.ts';
import { findKind } from '../passes/index.ts';
import { probeDeletes } from '../plan/probe.ts';
import type { ResolvedPass } from '../plan/resolved-pass.ts';
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
      ...findKept(stored),
      ...findCircles(stored),
      ...findCheckedRows(stored, catalog),
      ...findDefaults(stored, catalog),
      ...(findKind(stored.kind).bounds?.(stored, earlier) ?? []),
      ...findCleared(stored, earlier, catalog),
    ]);
    earlier.push(...stored.counted);
  }
  return bounds;
}

function findKept({ watched }: StoredPass): PreviewBound[] {
  if (watched === undefined) return [];
  return [
    {
      rows: 'at most',
      why: 'triggers may keep rows, which only a delete tells',
      here: listTriggers(watched),
    },
  ];
}

/**
 * Rows that are deleted along with others of their own table, to any depth, and that a foreign key may forbid to delete: a
 * preview follows the foreign key one round only, and a batch goes as far as the database lets it.
 */
function findCircles(stored: StoredPass): PreviewBound[] {
  const { blockers = [] } = stored;
  const kind = findKind(stored.kind);
  const tree = 'runBatch' in kind && blockers.length > 0 ? kind.dependents?.(stored) : undefined;
  if (tree === undefined) return [];
  const { table, key = null, children = [] } = tree;
  const steps = listSteps({ cascades: tree.cascades, key, children }, (child) => child.cascades);
  const links = steps.map(({ from, table: child }) => [steps[from]?.table ?? table, child] as const);
  const below = (label: string, seen = new Set<string>()): Set<string> => {
    for (const [parent, child] of links) {
      if (parent.label !== label || seen.has(child.label)) continue;
      below(child.label, seen.add(child.label));
    }
    return seen;
  };
  const names = [...new Set(blockers.map(({ name }) => `constraint ${name}`))];
  const again = [...new Set(links.map(([parent]) => parent.label))].filter((label) =>
    below(label).has(label),
  );
  // A row that references goes along with any of several rows, and a preview counts on all of them.
  const several = blockers
    .filter(({ ways }) => ways.length > 1)
    .map(({ reference }) => reference.table.label);
  if (again.length + several.length === 0) return [];
  return [
    {
      rows: 'about',
      why: 'rows are deleted along with others in several ways or to any depth, and a foreign key forbids to delete some of them',
      here: `${[...new Set([...again, ...several])].map((label) => `table ${label}`).join(', ')}; ${names.join(', ')}`,
    },
  ];
}

/**
 * Rows of the pass that reference one another in a circle, or two that are deleted along with one row, if a key among them is
 * checked at each row: there is no order in which the database lets them go.
 */
function findCheckedRows({ blockers = [] }: StoredPass, catalog: Catalog): PreviewBound[] {
  const names = new Set(listInner({ blockers }).map(({ name }) => name));
  return catalog.foreignKeys
    .filter(({ name, checksEachRow }) => checksEachRow === true && names.has(name))
    .map(({ name }) => ({
      rows: 'at most',
      why: 'on delete restrict is checked row by row, which forbids to delete rows that reference one another in a circle',
      here: `constraint ${name}`,
    }));
}

/** A reference that is set to its default must name a row that stays, which only a delete tells. */
function findDefaults(stored: StoredPass, catalog: Catalog): PreviewBound[] {
  const deleted = new Set(stored.counted.map(({ label }) => label));
  return catalog.foreignKeys
    .filter(
      ({ enforced, onDelete, parent }) =>
        enforced && onDelete === 'set default' && deleted.has(catalog.findLabel(parent) ?? ''),
    )
    .map(({ name, child }) => ({
      rows: 'at most',
      why: 'references are set to their default, which the database forbids if it names no row that stays',
      here: `constraint ${name} of table ${catalog.findLabel(child) ?? ''}`,
    }));
}

/** What deletes of earlier passes change in rows that stay: a preview reads these rows as they are. */
function findCleared(stored: StoredPass, earlier: readonly TableName[], catalog: Catalog): PreviewBound[] {
  const deleted = (id: string): boolean => earlier.some(({ label }) => label === catalog.findLabel(id));
  const keys = catalog.foreignKeys.filter(
    (key) => key.enforced && clearsReferences(key) && deleted(key.parent),
  );
  const table = catalog.named(stored.table);
  const where = 'where' in stored ? (stored.where as Predicate).text : '';
  const computed = [...(table?.columns.values() ?? [])].filter(
    ({ name, computed: isComputed }) => isComputed === true && where.includes(`"${name}"`),
  );
  const isOwn = keys.some(({ child }) => child === table?.id);
  const defaults = keys.filter(
    ({ onDelete, child, parent }) =>
      onDelete === 'set default' && (child === table?.id || parent === table?.id),
  );
  return [
    ...(isOwn ? computed : []).map(({ name }): PreviewBound => ({
      rows: 'about',
      why: 'its filter reads a column that the database computes, from a row that an earlier pass changes',
      here: `column ${name} of table ${stored.table.label}`,
    })),
    ...defaults.map(({ name, child }): PreviewBound => ({
      rows: 'about',
      why: 'an earlier pass sets references to their default, and rows may be referenced then that were not',
      here: `constraint ${name} of table ${catalog.findLabel(child) ?? ''}`,
    })),
  ];
}
