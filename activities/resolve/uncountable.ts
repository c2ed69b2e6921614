import type { CatalogTable } from '../dialect/catalog.ts';
import type { TableName } from '../stored/columns.ts';
import { clearsReferences, listCleared } from './cascades.ts';
import type { Scope } from './scope.ts';

/** Refuses tables in which the database makes something else of a delete, so that it could not be counted. */
export function refuseUncountable(counted: readonly TableName[], scope: Scope): void {
  const { catalog } = scope;
  const tables = counted.flatMap((name) => catalog.named(name) ?? []);
  for (const table of tables) refuseRules(table, 'delete', scope);
  const keys = tables.flatMap((table) => catalog.referencesTo(table));
  const setting = keys.filter(clearsReferences);
  for (const id of new Set(setting.map(({ child }) => child))) refuseRules(catalog.get(id), 'update', scope);
  for (const key of setting) {
    const { name, child } = key;
    const { partitionKey = [], label } = catalog.get(child);
    const isCounted = tables.some((table) => table.id === child);
    if (!isCounted || !partitionKey.some((column) => listCleared(key).includes(column))) continue;
    scope.addIssue(
      'a foreign key moves rows to another partition when what they name is deleted, where others are deleted by cascade: the database counts both alike',
      'Partition by another column, or give the foreign key on delete cascade',
      `foreign key ${name} of ${label}`,
    );
  }
}

/** Refuses a table with rules that rewrite statements of a kind. */
export function refuseRules(
  { label, rules }: CatalogTable,
  statement: 'delete' | 'update',
  scope: Scope,
): void {
  for (const rule of rules?.[statement] ?? []) {
    scope.addIssue(
      `table ${label} has a rule on ${statement} (${rule}): what it makes of ${statement === 'delete' ? 'a delete' : 'an update'} cannot be counted`,
      'Drop the rule, or do what it does in a trigger',
    );
  }
}
