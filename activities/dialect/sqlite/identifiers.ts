import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from '../../stored/columns.ts';

/** The table, quoted, for a `from` clause. */
export function tableRef({ name }: Pick<TableName, 'name'>): RawBuilder<unknown> {
  return sql.id('main', name);
}

/** A table under an alias. */
export function tableAs(table: TableName, alias: string): RawBuilder<unknown> {
  return sql`${tableRef(table)} as ${sql.id(alias)}`;
}

/** An identifier in quotes, for statements that take nothing but text. */
export function quoteIdentifier(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A column of an alias, quoted. */
export function columnRef(alias: string, column: Pick<ColumnName, 'name'>): RawBuilder<unknown> {
  return sql.id(alias, column.name);
}

/** The location of a row of an alias as text: a number of 64 bits has more digits than JavaScript keeps. */
export function locationText(alias: string): RawBuilder<string> {
  return sql`cast(${sql.id(alias)}.rowid as text)`;
}

/**
 * A key of a row of an alias as text, so that {@link isKey} finds it again. Real numbers and blobs are written as SQL does,
 * since a cast would make others of them.
 */
export function keyText(column: ColumnName, alias: string): RawBuilder<string | null> {
  return toKeyText(column, columnRef(alias, column));
}

/** The same for the `returning` of a statement, which knows no alias. */
export function returnedKey(column: ColumnName): RawBuilder<string | null> {
  return toKeyText(column, sql.id(column.name));
}

function toKeyText(column: ColumnName, value: RawBuilder<unknown>): RawBuilder<string | null> {
  return hasPlainText(column) ? sql`cast(${value} as text)` : sql`nullif(quote(${value}), 'NULL')`;
}

/** The key of a row of an alias is one of some, in one bound value. An index helps if their text is plain. */
export function isKey(column: ColumnName, alias: string, keys: readonly string[]): RawBuilder<boolean> {
  const own = hasPlainText(column) ? columnRef(alias, column) : keyText(column, alias);
  return sql`${own} in (select value from json_each(${JSON.stringify(keys)}))`;
}

/** A key of a row of an alias compared with one that travels as text. */
export function compareKey(
  column: ColumnName,
  alias: string,
  operator: '=' | '>' | '<=',
  key: string | RawBuilder<unknown>,
): RawBuilder<boolean> {
  const own = hasPlainText(column) ? columnRef(alias, column) : keyText(column, alias);
  return sql`${own} ${sql.raw(operator)} ${key}`;
}

/** Whether text compares with the values of a column: SQLite gives a bound text the type of the column then. */
export function hasPlainText({ type }: Pick<ColumnName, 'type'>): boolean {
  return type === 'integer' || type === 'text' || type === 'numeric';
}

/** Over alias `t`: the row is at one of some locations. */
export function isAt(locations: readonly string[]): RawBuilder<boolean> {
  return sql`t.rowid in (select cast(value as integer) from json_each(${JSON.stringify(locations)}))`;
}
