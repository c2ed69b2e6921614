import { listSteps } from '../dialect/cascade-paths.ts';
import type { Catalog } from '../dialect/catalog.ts';
import { linkToParent } from '../dialect/join-path.ts';
import { toTableName } from '../dialect/table-names.ts';
import { findKind } from '../passes/index.ts';
import { clearsReferences, listCleared, pairColumns } from '../resolve/cascades.ts';
import type { TableName } from '../stored/columns.ts';
import type { StoredPass } from '../stored/pass.ts';
import type { RowLink, Watched, WatchedLink } from '../stored/row-tree.ts';
import { listWriters, nameTrigger } from './fired-triggers.ts';

/** What a pass should delete or set to null and triggers may keep, and triggers that write other rows; undefined if none may. */
export function findWatched(stored: StoredPass, catalog: Catalog): Watched | undefined {
  const kind = findKind(stored.kind);
  if (!('runBatch' in kind) || stored.counted.length === 0) return undefined;
  const tree = kind.dependents?.(stored);
  if (tree === undefined) return undefined;
  const { table, key = null, children = [] } = tree;
  const steps = listSteps({ cascades: tree.cascades, key, children }, (child) => child.cascades);
  const deleted = new Map([
    [table.label, table],
    ...steps.map((step) => [step.table.label, step.table] as const),
  ]);
  const links = steps.flatMap(({ from, table: child, ...link }) =>
    watch({ ...link, child, parent: steps[from]?.table ?? table }, listTriggers(catalog, child, 'delete')),
  );
  const cleared = [...deleted.values()].flatMap((parent) => findCleared(catalog, parent));
  for (const child of stored.cleared ?? []) {
    const { parent, table: holder, by } = child;
    const link = { parent, child: holder, ...linkToParent(child) };
    cleared.push(...watch(link, listTriggers(catalog, holder, 'update', [by.name])));
  }
  const triggers = listTriggers(catalog, table, 'delete');
  const all = [...links, ...cleared];
  const writers = findWriters(stored, catalog);
  if (triggers.length + all.length + writers.length === 0) return undefined;
  return { triggers, links: all, ...(writers.length === 0 ? {} : { writers }) };
}

/**
 * Triggers that a delete fires and that may delete any row, or write a table that decides what the pass deletes.
 *
 * Such a pass locks its rows first, which is not what takes the time: 50,000 rows with 500,000 children whose trigger counts down
 * in their parent take 4.2 s, 5.6 s if it counts in another table, which is not watched, and 1.5 s without it (PostgreSQL 18; on
 * SQLite 3.8, 3.2 and 3.5 s).
 */
function findWriters(stored: StoredPass, catalog: Catalog): string[] {
  const { counted } = stored;
  const evidence = findKind(stored.kind).evidence?.(stored) ?? [];
  // A filter with a select of its own may read any table.
  const selects = JSON.stringify(stored).includes('"selects":true');
  const ids = new Set([...counted, ...evidence].flatMap((name) => catalog.named(name)?.id ?? []));
  const found = listWriters(stored, catalog)
    .filter(([, { deletes, writes }]) => deletes || writes.some((id) => selects || ids.has(id)))
    .map(([table, { name }]) => nameTrigger(name, table));
  return [...new Set(found)];
}

/** What the delete of a row sets to null or to a default in rows that stay. */
function findCleared(catalog: Catalog, name: TableName): WatchedLink[] {
  const parent = catalog.named(name);
  if (parent === undefined) return [];
  return catalog
    .referencesTo(parent)
    .filter((key) => key.enforced && clearsReferences(key))
    .flatMap((key) => {
      const child = toTableName(catalog.get(key.child));
      const link = { parent: name, child, on: pairColumns(key) };
      return watch(link, listTriggers(catalog, child, 'update', listCleared(key)));
    });
}

function watch(link: RowLink, triggers: readonly string[]): WatchedLink[] {
  return triggers.length === 0 ? [] : [{ ...link, triggers }];
}

/** The triggers that may keep rows of a table, or some of their columns. */
function listTriggers(
  catalog: Catalog,
  table: TableName,
  on: 'delete' | 'update',
  columns: readonly string[] = [],
): string[] {
  const { keepingTriggers = [] } = catalog.named(table) ?? {};
  const keeps = (kept: readonly string[] | null): boolean =>
    kept === null || columns.some((column) => kept.includes(column.toLowerCase()));
  return keepingTriggers
    .filter((trigger) => trigger.on === on && keeps(trigger.columns))
    .map(({ name }) => nameTrigger(name, table));
}
