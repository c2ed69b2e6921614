import type { AnyEntity } from '../../policy/pass.ts';
import { distinctTables } from '../dialect/table-names.ts';
import type { TableName } from '../stored/columns.ts';
import type { StoredTablePass } from '../stored/pass.ts';
import type { PassPlan } from '../stored/scan.ts';
import type { Scope } from './scope.ts';

/**
 * The tables of a pass that works on whole tables: those of its entities, or all that the policy deletes from. Reports
 * to the scope if there are none.
 */
export function resolveTables(
  { entities }: { readonly entities?: readonly AnyEntity[] },
  scope: Scope,
): Omit<StoredTablePass, 'kind'> | undefined {
  const named = entities?.map((entity) => scope.table(entity, ['select']));
  if (named?.some((table) => table === undefined) === true) return undefined;
  const tables: TableName[] = distinctTables(
    named?.filter((table) => table !== undefined) ?? scope.deletedFrom,
  );
  const [table] = tables;
  if (table === undefined) {
    return scope.addIssue(
      'there is no table for it: it names no entity and no pass of the policy deletes rows',
      'Say entities: with at least one',
    );
  }
  return { table, tables, counted: [], rowsPerParent: 1 };
}

/** The tables in their order, one after the other. */
export function planTables({ tables }: StoredTablePass): PassPlan {
  const scan = 'tables';
  return { scan, shards: [{ scan, tables: tables.length }], estimate: 0, tableRows: 0 };
}
