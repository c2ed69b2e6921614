import type { Catalog, CatalogTable, ForeignKey } from '../dialect/catalog.ts';
import { clearsReferences } from '../resolve/cascades.ts';
import type { TableName } from '../stored/columns.ts';

/**
 * The tables whose triggers a delete of rows of some tables fires: those tables themselves, and those that are updated because
 * a foreign key that `acts` sets a reference to null or to its default.
 */
export function listFired(
  counted: readonly TableName[],
  catalog: Catalog,
  acts: (key: ForeignKey) => boolean,
): (readonly [CatalogTable, 'delete' | 'update'])[] {
  const deleted = counted.flatMap((name) => catalog.named(name) ?? []);
  const updated = deleted
    .flatMap((table) => catalog.referencesTo(table))
    .filter((key) => acts(key) && clearsReferences(key) && catalog.has(key.child))
    .map((key) => catalog.get(key.child));
  return [
    ...deleted.map((table) => [table, 'delete'] as const),
    ...updated.map((table) => [table, 'update'] as const),
  ];
}

/** A trigger, as the end of a sentence. */
export function nameTrigger(name: string, { label }: TableName): string {
  return `trigger ${name} of table ${label}`;
}
