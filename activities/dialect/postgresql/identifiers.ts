import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName, ColumnName } from '../../stored/columns.ts';
import { withoutLength } from '../column-types.ts';
import type { Connection } from './connection.ts';

/**
 * The table, quoted, for a `from` clause: its own rows, without those of tables that inherit from it. Foreign keys are about
 * no others, rows of several tables can have one location, and a table may get heirs while a run is open. One that is partitioned
 * has no rows of its own: all of its partitions are read.
 */
export function tableRef(table: TableName): RawBuilder<unknown> {
  return table.partitioned === true ? relationRef(table) : sql`only ${relationRef(table)}`;
}

/** A table under an alias. */
export function tableAs(table: TableName, alias: string): RawBuilder<unknown> {
  return sql`${tableRef(table)} as ${sql.id(alias)}`;
}

/** The table with all its partitions, quoted. */
export function relationRef({ schema, name }: TableName): RawBuilder<unknown> {
  return sql.id(schema, name);
}

/** An identifier in quotes, for statements that take nothing but text. */
export function quoteIdentifier(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A table's name as text, quoted, for `to_regclass`. */
export function qualifiedName({ schema, name }: Pick<TableName, 'schema' | 'name'>): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** A column of an alias, quoted. */
export function columnRef(alias: string, column: ColumnName): RawBuilder<unknown> {
  return sql.id(alias, column.name);
}

/**
 * A value that travels as text, as a column's type. The bound value itself has the type: a cast of a text value would
 * be done again for every row (20 s instead of 11 s for 10 million rows).
 */
export function castValue(value: string, type: string): RawBuilder<unknown> {
  return sql`${value}::${baseType(type)}`;
}

/**
 * A type without its length or precision, which a cast would cut or round the value to: a horizon as `timestamp(0)` would
 * lie up to half a second later. It comes from format_type, which quotes what needs quoting; it cannot be a bound value.
 */
export function baseType(type: string): RawBuilder<unknown> {
  const bare = withoutLength(type);
  // A number since 1970 is compared as an instant, and so is an age beside others of other types.
  if (/^timestamp (in|of) /.test(bare)) return sql.raw('timestamp with time zone');
  // Without a length these would be of one character, and one bit.
  return sql.raw(bare === 'character' ? 'bpchar' : bare === 'bit' ? 'bit varying' : bare);
}

/** Texts as one bound array of a column's type, for `= any(...)`. */
export function castArray(values: readonly string[], type: string): RawBuilder<unknown> {
  return sql`${values}::${baseType(type)}[]`;
}

/** Whether a value of the type has the same text in every session. An instant is written by the clock of its session. */
export function hasStableText(type: string): boolean {
  return /^(smallint|integer|bigint|uuid|text|character varying)\b/.test(type);
}

/** Whether equal values of the type may have different texts, or another text in another session, and hashes are equal. */
export function isHashed(type: string): boolean {
  if (type.endsWith('[]')) return hasStableText(type.slice(0, -2)) || isHashed(type.slice(0, -2));
  return /^(?:numeric|real|double precision|interval|jsonb|timestamp|date|time|\w+range)\b|(?:^|\.)citext$/.test(
    type,
  );
}

/** A text of a column's type, or an array (`[]`) of such texts, for comparing with others: as text if that suffices. */
export function asComparable(
  text: RawBuilder<unknown>,
  type: string,
  dimensions: '' | '[]' = '',
): RawBuilder<unknown> {
  return hasStableText(type) ? text : sql`${text}::${baseType(type)}${sql.raw(dimensions)}`;
}

/** The type in which a horizon of an age can stand between two days. */
export function timestampType(type: string): string {
  return type === 'date' ? 'timestamp without time zone' : type;
}

/** How many pages the table has now. */
export async function countPages({ db }: Connection, table: TableName): Promise<number> {
  const { rows } = await sql<{ pages: number }>`select (${countPagesSql(table)})::float8 as pages`.execute(
    db,
  );
  return rows[0]?.pages ?? 0;
}

/** In a statement: how many pages the table has now; null if it is not there. */
export function countPagesSql(table: TableName): RawBuilder<number> {
  return sql<number>`pg_relation_size(to_regclass(${qualifiedName(table)})) / current_setting('block_size')::bigint`;
}

/** The ctid before the first row of a page; items count from 1. */
export function pageStart(page: number): string {
  return `(${page},0)`;
}

/** The same in a statement. */
export function pageStartSql(page: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`format('(%s,0)', ${page})::tid`;
}

export function readPage(ctid: string): number {
  return Number(ctid.slice(1).split(',')[0]);
}

/**
 * Over alias `t`: the row is at one of some locations. The list is a select, whose length the planner does not see: for a
 * thousand locations it would rather read a table of 100,000 rows than go to each.
 */
export function isAt(locations: readonly string[]): RawBuilder<boolean> {
  return sql`t.ctid = any(array(select unnest(${locations}::tid[])))`;
}
