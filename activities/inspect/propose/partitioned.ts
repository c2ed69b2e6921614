import { countNouns } from '../../../policy/count-nouns.ts';
import type { CatalogColumn } from '../../dialect/catalog.ts';
import { dropDoesLess } from '../../resolve/partitioned-table.ts';
import { findInstantType } from './instant-type.ts';
import type { KnownDatabase, KnownTable } from './known-table.ts';

/** A table whose old partitions can be dropped, and the column that it is partitioned by. */
export interface DroppableTable {
  readonly table: KnownTable;
  readonly by: CatalogColumn;
}

/** Judges whether the old partitions of a partitioned table can be dropped, or says why not. */
export function judgePartitioned(
  table: KnownTable,
  { catalog: all }: KnownDatabase,
): DroppableTable | { readonly grows: true; readonly why: string } {
  const { catalog } = table;
  const { by: strategy, columns = [], readable = false } = catalog.partitioning ?? {};
  const refuse = (why: string): { readonly grows: true; readonly why: string } => ({
    grows: true,
    why: `partitioned by ${strategy}: ${why}`,
  });
  if (strategy !== 'range') return refuse('bounds do not tell how old rows are');
  const [name, ...others] = columns;
  const by = others.length > 0 || name == null ? undefined : catalog.columns.get(name);
  if (by === undefined || findInstantType(by) === undefined)
    return refuse('not of one point in time, so that bounds do not tell how old rows are');
  if (!readable || !catalog.may.select || catalog.hidden)
    return refuse('the role may not read each partition');
  if (dropDoesLess(catalog, all))
    return refuse('a drop would not do what its triggers or foreign keys do when a row is deleted');
  return { table, by };
}

/** Why rows of a partitioned table cannot be deleted from one partition after the other; undefined if they can. */
export function refuseByRows({ catalog }: KnownTable): string | undefined {
  const { statementTriggers = [], readable = true } = catalog.partitioning ?? {};
  if (!readable) return 'the role may not read each partition';
  return statementTriggers.length === 0
    ? undefined
    : `its trigger ${statementTriggers.join(', ')} fires once for a statement, which a delete in a partition does not fire`;
}

/** The comments of a pass that drops partitions. */
export function describeDrops({ table: { catalog }, by }: DroppableTable, database: KnownDatabase): string[] {
  const partitions = database.tables.filter(({ size }) => size.partitionOf === catalog.label);
  return [
    `${catalog.label}: ${countNouns(partitions.length, 'partition')} by range of ${by.name}. Those of which all rows are old are dropped whole.`,
    ...(catalog.partitioning?.owned === true
      ? []
      : ['The role of a run must own the table and its partitions.']),
  ];
}

/** The comments of the pass that deletes what dropping leaves. */
export function describeRest({ table: { catalog } }: DroppableTable): string[] {
  return [
    `Old rows of ${catalog.label} that no partition is dropped for: of the one that the horizon lies in, and of the default one.`,
  ];
}
