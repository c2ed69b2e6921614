import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnPairs } from '../../stored/columns.ts';
import type { StoredReference } from '../../stored/pass.ts';
import { tableRef } from './identifiers.ts';

/** Over alias `t`: no row of the tables references it. */
export function isUnreferenced(stored: readonly StoredReference[]): RawBuilder<boolean> {
  const checks = stored.map(({ table, on, indexed }) => {
    const named = sql`from ${tableRef(table)} as c where ${references('c', 't', on)}`;
    // Not `not exists` if there is an index: the planner may read all that references anything, in each batch. Without
    // an index that is the better plan.
    return indexed ? sql`(select true ${named} limit 1) is null` : sql`not exists (select ${named})`;
  });
  return sql<boolean>`${sql.join(checks, sql` and `)}`;
}

/** A row of one alias references a row of another. */
export function references(child: string, parent: string, on: ColumnPairs): RawBuilder<boolean> {
  const pairs = on.map((pair) => sql`${sql.id(child, pair.child)} = ${sql.id(parent, pair.parent)}`);
  return sql<boolean>`${sql.join(pairs, sql` and `)}`;
}
