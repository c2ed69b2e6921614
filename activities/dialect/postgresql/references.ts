import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredReference } from '../../stored/row-tree.ts';
import { references } from '../join-path.ts';
import { tableRef } from './identifiers.ts';

/** Over alias `t`: no row of the tables references it. */
export function isUnreferenced(stored: readonly StoredReference[]): RawBuilder<boolean> {
  const checks = stored.map(({ table, indexed, ...link }) => {
    const named = sql`from ${tableRef(table)} as c where ${references('c', 't', link)}`;
    // Not `not exists` if there is an index: the planner may read all that references anything, in each batch. Without
    // an index that is the better plan.
    return indexed ? sql`(select true ${named} limit 1) is null` : sql`not exists (select ${named})`;
  });
  return sql<boolean>`${sql.join(checks, sql` and `)}`;
}
