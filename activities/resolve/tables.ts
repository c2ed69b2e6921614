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

/** Refuses a table that cannot be reclaimed, or that the role may not vacuum: `vacuum` would only warn and leave it out. */
export function refuseUnreclaimable(name: TableName, scope: Scope): void {
  const { unreclaimable, may } = scope.catalog.named(name) ?? {};
  if (unreclaimable !== undefined) {
    scope.addIssue(unreclaimable.what, unreclaimable.fix);
    return;
  }
  if (scope.purpose === 'preview' || may?.maintain !== false) return;
  scope.addIssue(
    'the database role may not vacuum a table of it',
    'Use the role that owns the table, or from PostgreSQL 17 on grant maintain',
    `grant maintain on ${name.label} to the role of the connection`,
  );
}

/** The tables in their order, one after the other. */
export function planTables({ tables }: StoredTablePass): PassPlan {
  const scan = 'tables';
  return { scan, shards: [{ scan, tables: tables.length }], estimate: 0, tableRows: 0 };
}
