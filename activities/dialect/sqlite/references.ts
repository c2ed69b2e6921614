import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { ParentReference, StoredReference } from '../../stored/row-tree.ts';
import { references } from '../join-path.ts';
import { columnRef, tableAs, tableRef } from './identifiers.ts';

/** Which rows of a table, by an alias, count as being there; all of them, or those that a preview leaves. */
export type IsThere = (table: TableName, alias: string) => RawBuilder<boolean>;

const ALL: IsThere = () => sql`true`;

/** Over alias `t`: the row's parent does not exist. */
export function hasNoParent(
  { by, parent, parentKey }: ParentReference,
  isThere: IsThere = ALL,
): RawBuilder<boolean> {
  return sql`not exists (
    select 1
    from ${tableRef(parent)} as parent
    where ${columnRef('parent', parentKey)} = ${columnRef('t', by)} and ${isThere(parent, 'parent')}
  )`;
}

/** Over alias `t`: no row of the tables references it. `source` is a table under an alias. */
export function isUnreferenced(
  stored: readonly StoredReference[],
  isThere: IsThere = ALL,
  source: (table: TableName, alias: string) => RawBuilder<unknown> = tableAs,
): RawBuilder<boolean> {
  const checks = stored.map(
    ({ table, ...link }) => sql`not exists (
      select 1 from ${source(table, 'c')} where ${references('c', 't', link)} and ${isThere(table, 'c')}
    )`,
  );
  return sql`(${sql.join(checks, sql` and `)})`;
}
