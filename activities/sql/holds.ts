import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { columnOf } from './names.ts';
import type { Predicate } from './predicate.ts';
import { bindPredicate } from './predicate.ts';

/** A table that has rows that nobody may delete: some by key, or those that a condition names. */
export interface HeldRows {
  readonly schema: string;
  readonly name: string;
  /** The primary key; null where a condition names the rows. */
  readonly key: ColumnName | null;
  readonly condition: Predicate | null;
}

/** The holds in force, and where the keys stand. Empty most of the time: then nothing is looked at. */
export interface Holds {
  readonly rows: readonly HeldRows[];
  /** The ledger's table of holds. */
  readonly table: RawBuilder<unknown>;
  /** They are those that will be in force from this instant on, ISO 8601, of the holds that there are; left out for now. */
  readonly from?: string;
}

/** The holds in force, now or at a later instant, as a JSON array of {@link HeldRows}; for use inside a statement. */
export function heldRows(table: RawBuilder<unknown>, from?: string): RawBuilder<readonly HeldRows[]> {
  return sql`(
    select coalesce(
      jsonb_agg(distinct jsonb_build_object(
        'schema', h.schema,
        'name', h.name,
        'key', case when h.key is not null then jsonb_build_object('name', h.key_column, 'type', h.key_type) end,
        'condition', h.condition)),
      '[]')
    from ${table} as h
    where ${isInForce(from)}
  )`;
}

/** Over alias `t` of a table: a hold names the row. Undefined where no hold is about the table. */
export function isHeld(
  { rows, table, from }: Holds,
  { schema, name }: TableName,
): RawBuilder<boolean> | undefined {
  const checks = rows
    .filter((held) => held.schema === schema && held.name === name)
    .map(({ key, condition }) => {
      if (condition !== null) return sql`${bindPredicate(condition)} is true`;
      if (key === null) return sql`false`;
      // A count, and not `exists`: that the planner may answer from a hash of all holds, made anew in each batch.
      return sql`(
        select count(*)
        from ${table} as h
        where h.schema = ${schema} and h.name = ${name} and h.key = ${columnOf('t', key)}::text and ${isInForce(from)}
      ) > 0`;
    });
  return checks.length === 0 ? undefined : sql<boolean>`(${sql.join(checks, sql` or `)})`;
}

/**
 * Whether rows must be locked before they are judged: a hold is about what goes along with them, or has a select of its
 * own. A statement that waits for a row goes on with what it saw of other rows before.
 */
export function mustLock({ rows }: Holds, own: TableName, counted: readonly TableName[]): boolean {
  return rows.some(
    ({ schema, name, condition }) =>
      counted.some((table) => table.schema === schema && table.name === name) &&
      (own.schema !== schema || own.name !== name || condition?.selects === true),
  );
}

function isInForce(from: string | undefined): RawBuilder<boolean> {
  return sql`(h.until is null or h.until > ${from === undefined ? sql`now()` : sql`${from}::timestamptz`})`;
}
