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

/** Judges whether the old partitions of a table that is partitioned by range can be dropped, or says why not. */
export function judgePartitioned(
  table: KnownTable,
  { catalog: all }: KnownDatabase,
): DroppableTable | { readonly grows: true; readonly why: string } {
  const { catalog } = table;
  const { columns = [], readable = false } = catalog.partitioning ?? {};
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

function refuse(why: string): { readonly grows: true; readonly why: string } {
  return { grows: true, why: `partitioned by range: ${why}` };
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
