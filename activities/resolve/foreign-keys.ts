import type { ForeignKey } from '../dialect/catalog.ts';
import type { TableName } from '../stored/columns.ts';
import type { Scope } from './scope.ts';

/** Refuses foreign keys to deleted rows that the database ignores: rows that reference them would stay. */
export function refuseIdleKeys(counted: readonly TableName[], scope: Scope): void {
  const { catalog } = scope;
  for (const { name, child } of listKeysTo(counted, scope).filter(({ enforced }) => !enforced)) {
    scope.addIssue(
      'the database does not heed a foreign key to rows that go, so that others would be left that name them: it is not enforced, or its triggers are disabled',
      'Enable them, with `alter table ... enable trigger all` on both of its tables; or drop the foreign key and name its entity as a soft child',
      `foreign key ${name} of ${catalog.findLabel(child) ?? 'another table'}`,
    );
  }
}

/**
 * Refuses foreign keys to deleted rows that compare by another operator than our statements: they would find other rows than
 * the database deletes along.
 */
export function refuseHiddenOperators(counted: readonly TableName[], scope: Scope): void {
  for (const { name } of listKeysTo(counted, scope).filter(({ hiddenOperator }) => hiddenOperator === true)) {
    scope.addIssue(
      'a foreign key to rows that go compares by an operator that the search path of the session does not find, so that other rows would be found than go with them',
      'Add the schema of its type to the search path, with `alter role ... set search_path`',
      `foreign key ${name}`,
    );
  }
}

function listKeysTo(tables: readonly TableName[], { catalog }: Scope): readonly ForeignKey[] {
  return tables.flatMap((name) => catalog.named(name) ?? []).flatMap((table) => catalog.referencesTo(table));
}
