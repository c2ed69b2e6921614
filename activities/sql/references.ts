import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from './names.ts';
import { tableOf } from './names.ts';

/** Columns of a table that name rows of another, by a foreign key or without one, as a run froze them. */
export interface FrozenReference {
  readonly table: TableName;
  /** Pairs of a column that names and the column of the row that it names. */
  readonly on: readonly { readonly child: string; readonly parent: string }[];
  /** An index leads from a row to those that name it. */
  readonly indexed: boolean;
}

/** Over alias `t`: no row of the tables names it. */
export function isUnreferenced(references: readonly FrozenReference[]): RawBuilder<boolean> {
  const checks = references.map(({ table, on, indexed }) => {
    const named = sql`from ${tableOf(table)} as c where ${names('c', 't', { on })}`;
    // Not `not exists` where an index leads: that the planner may answer by reading all that names anything, anew in
    // each batch. Without an index that is the better way.
    return indexed ? sql`(select true ${named} limit 1) is null` : sql`not exists (select ${named})`;
  });
  return sql<boolean>`${sql.join(checks, sql` and `)}`;
}

/** A row of one alias names a row of another. */
export function names(
  child: string,
  parent: string,
  { on }: Pick<FrozenReference, 'on'>,
): RawBuilder<boolean> {
  const pairs = on.map((pair) => sql`${sql.id(child, pair.child)} = ${sql.id(parent, pair.parent)}`);
  return sql<boolean>`${sql.join(pairs, sql` and `)}`;
}
