import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { bareType, castTo, columnOf, tableOf, wide } from './names.ts';

/** A retention that stands in a column of the row, or of its parent. */
export interface FrozenRetentionColumn {
  readonly column: ColumnName;
  /** The parent with the column; null where the row has it. */
  readonly parent: { readonly table: TableName; readonly key: ColumnName; readonly by: ColumnName } | null;
  /** What the number counts, in milliseconds. */
  readonly unitMillis: number;
  /** A number that comes to less keeps its row. */
  readonly leastMillis: number;
  /** What ages are counted from: the horizon of a retention of nothing. */
  readonly horizon: string;
}

/** No row is older, in milliseconds: what is subtracted must leave a year that PostgreSQL can write. */
const MOST_MILLIS = 2000 * 365 * 24 * 3600 * 1000;

/**
 * The horizon of a row by its column, of the type of the ages; null where it stays for ever. `otherwise` is the horizon
 * where the column is null. Over alias `t`.
 */
export function ownHorizon(
  { column, parent, unitMillis, leastMillis, horizon }: FrozenRetentionColumn,
  type: string,
  otherwise: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const number =
    parent === null
      ? sql`${columnOf('t', column)}`
      : sql`(
          select ${columnOf('owner', column)}
          from ${tableOf(parent.table)} as owner
          where ${columnOf('owner', parent.key)} = ${columnOf('t', parent.by)}
        )`;
  // NaN is the greatest number: such a row stays as long as any.
  const millis = sql`least(n.millis, ${MOST_MILLIS}::float8) * interval '1 millisecond'`;
  return sql`(
    select case
      when n.millis is null then ${otherwise}
      when n.millis >= ${leastMillis}::float8 then (${castTo(horizon, wide(type))} - ${millis})::${bareType(type)}
    end
    from (select ${number}::float8 * ${unitMillis}::float8 as millis) as n
  )`;
}
