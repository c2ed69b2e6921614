import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

/** A table as the catalog knows it. `label` is how the ledger and reports write it. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
  /** The bare name where the search path finds the table by it, else `schema.name`. */
  readonly label: string;
}

/** A column and its type, as `format_type` writes it. */
export interface ColumnName {
  readonly name: string;
  readonly type: string;
  /** Its collation, where that takes texts for equal that are not, like `a` and `A`. */
  readonly loose?: string;
}

/** The table, quoted, for a `from` clause. */
export function tableOf({ schema, name }: TableName): RawBuilder<unknown> {
  return sql.id(schema, name);
}

/** An identifier in quotes, for the places where text is all that is taken. */
export function quoteIdentifier(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A table's name as text, quoted, for `to_regclass`. */
export function qualifiedName({ schema, name }: Pick<TableName, 'schema' | 'name'>): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** A column of an alias, quoted. */
export function columnOf(alias: string, column: ColumnName): RawBuilder<unknown> {
  return sql.id(alias, column.name);
}

/**
 * A value that travels as text, as a column's type. The bound value itself has the type: a cast of a text value would
 * be done again for every row (20 s instead of 11 s for 10 million rows).
 */
export function castTo(value: string, type: string): RawBuilder<unknown> {
  return sql`${value}::${bareType(type)}`;
}

/**
 * A type without its length or precision, which a cast would cut or round the value to: a horizon as `timestamp(0)` would
 * lie up to half a second later. It comes from format_type, which quotes what needs quoting; it cannot be a bound value.
 */
export function bareType(type: string): RawBuilder<unknown> {
  const bare = withoutLength(type);
  return sql.raw(bare === 'character' ? 'bpchar' : bare);
}

function withoutLength(type: string): string {
  return type.replace(/\(\d+(,-?\d+)?\)/, '');
}

/** Whether values of two types are equal for one exactly if they are for the other: keys can be compared. */
export function isSameKind(a: string, b: string): boolean {
  return kindOf(a) === kindOf(b);
}

function kindOf(type: string): string {
  const bare = withoutLength(type);
  if (/^(smallint|integer|bigint)$/.test(bare)) return 'integer';
  if (/^(text|character varying)$/.test(bare)) return 'text';
  return bare;
}

/** Texts as one bound array of a column's type, for `= any(...)`. */
export function castArrayTo(values: readonly string[], type: string): RawBuilder<unknown> {
  return sql`${values}::${bareType(type)}[]`;
}

/** Whether a value of the type has the same text in every session. An instant is written by the clock of its session. */
export function hasOneText(type: string): boolean {
  return /^(smallint|integer|bigint|uuid|text|character varying)\b/.test(type);
}

/** A text of a column's type, or an array (`[]`) of such texts, for comparing with others: as text where that will do. */
export function comparedAs(
  text: RawBuilder<unknown>,
  type: string,
  dimensions: '' | '[]' = '',
): RawBuilder<unknown> {
  return hasOneText(type) ? text : sql`${text}::${bareType(type)}${sql.raw(dimensions)}`;
}

/** The type in which a horizon of an age can stand between two days. */
export function wide(type: string): string {
  return type === 'date' ? 'timestamp without time zone' : type;
}
