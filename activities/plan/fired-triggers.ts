import type { Catalog, CatalogTable, WritingTrigger } from '../dialect/catalog.ts';
import { distinctTables } from '../dialect/table-names.ts';
import { clearsReferences } from '../resolve/cascades.ts';
import type { TableName } from '../stored/columns.ts';
import type { StoredPass, TriggerReach } from '../stored/pass.ts';

type Deleting = Pick<StoredPass, 'counted' | 'cleared'>;

/**
 * The tables whose triggers a delete of rows of some tables fires: those tables themselves, and those that are updated because
 * a foreign key, or the pass, sets a reference to null or to its default.
 */
export function listFired(
  { counted, cleared = [] }: Deleting,
  catalog: Catalog,
): (readonly [CatalogTable, 'delete' | 'update'])[] {
  const deleted = counted.flatMap((name) => catalog.named(name) ?? []);
  const updated = deleted
    .flatMap((table) => catalog.referencesTo(table))
    .filter((key) => key.enforced && clearsReferences(key) && catalog.has(key.child))
    .map((key) => catalog.get(key.child));
  updated.push(...cleared.flatMap(({ table }) => catalog.named(table) ?? []));
  return [
    ...deleted.map((table) => [table, 'delete'] as const),
    ...updated.map((table) => [table, 'update'] as const),
  ];
}

/** The triggers that a delete of rows of some tables fires, with what they may write. */
export function listWriters(stored: Deleting, catalog: Catalog): (readonly [CatalogTable, WritingTrigger])[] {
  return listFired(stored, catalog).flatMap(([table, on]) =>
    (table.writers ?? []).filter((trigger) => trigger.on === on).map((trigger) => [table, trigger] as const),
  );
}

/** What the triggers that a delete of rows of some tables fires reach besides; undefined if that is nothing. */
export function joinReach(stored: Deleting, catalog: Catalog): TriggerReach | undefined {
  const reached = listWriters(stored, catalog).map(([, { reach }]) => reach);
  const tables = distinctTables(reached.flatMap((reach) => reach.tables));
  const routines = [...new Set(reached.flatMap((reach) => reach.routines))].toSorted();
  if (tables.length + routines.length === 0) return undefined;
  return { tables, routines, firesLate: reached.some(({ firesLate }) => firesLate) };
}

/** A trigger, as the end of a sentence. */
export function nameTrigger(name: string, { label }: TableName): string {
  return `trigger ${name} of table ${label}`;
}
