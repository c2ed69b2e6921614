import type { BoundValue } from '../../stored/columns.ts';
import type { DriverFilter } from '../mikro-entities.ts';
import { storeCommonValue } from '../mikro-entities.ts';
import { readInstant } from './read-instant.ts';

const NAME = '`(?:[^`]|``)+`';
const COLUMN = `(?<alias>${NAME})\\.(?<column>${NAME})`;
/** What is read as a whole: a comparison of a column, or what has a mark or may look like one. */
const TOKENS = new RegExp(
  [
    `'(?:[^']|'')*'`,
    `${COLUMN} (?<operator><=|>=|<>|!=|=|<|>|@>|(?:not )?in|like) (?<marks>\\?|\\(\\?(?:, \\?)*\\))`,
    NAME,
    ' like \\?',
    '\\?',
  ].join('|'),
  'g',
);

/** Operators of which SQLite has none, or one that means something else. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/ ilike \?/, '$ilike'],
  [/ (?:<@|&&|\?\||\?&) \?/, '$contained and $overlap'],
  [/ regexp \?/, '$re'],
];

/**
 * Writes a filter so that SQLite means by it what PostgreSQL does: instants are compared by their value, whatever the column
 * stores, LIKE minds case, and lists in JSON have an operator. Throws for what cannot be written so.
 */
export function translateFilter({ text, values, isInstant }: DriverFilter): {
  readonly text: string;
  readonly values: readonly BoundValue[];
} {
  for (const [pattern, name] of UNSUPPORTED) if (pattern.test(text)) throw unsupported(`${name} in a filter`);
  const own: BoundValue[] = [];
  let next = 0;
  const take = (count: number): unknown[] => values.slice(next, (next += count));
  const translated = text.replaceAll(TOKENS, (token, ...rest) => {
    const groups = rest.at(-1) as Record<string, string | undefined>;
    const { alias, column, operator = '', marks = '' } = groups;
    if (alias !== undefined && column !== undefined) {
      const given = take(marks.split('?').length - 1);
      const isDate =
        isInstant(unquote(alias), unquote(column)) || given.some((value) => value instanceof Date);
      const comparison = { name: `${alias}.${column}`, column: unquote(column), operator, marks };
      const written = isDate ? compareInstants(comparison, given) : compareValues(comparison, given);
      own.push(...written.values);
      return written.text;
    }
    if (!token.endsWith('?') || token.startsWith("'") || token.startsWith('`')) return token;
    const [value] = take(1);
    own.push(token === '?' ? storeValue(value) : toGlob(String(value)));
    return token === '?' ? token : ' glob ?';
  });
  if (/ like /i.test(translated.replaceAll(/'(?:[^']|'')*'|`(?:[^`]|``)*`/g, ''))) {
    throw new Error('raw LIKE in a filter is not supported on SQLite, where it ignores case');
  }
  return { text: translated, values: own };
}

interface Comparison {
  /** The column with its alias, quoted. */
  readonly name: string;
  /** What messages call it. */
  readonly column: string;
  readonly operator: string;
  readonly marks: string;
}

interface FilterText {
  readonly text: string;
  readonly values: readonly BoundValue[];
}

/** Each value of the column is read in its own form; one that has none ends the statement, and is never taken for old or new. */
function compareInstants(
  { name, column, operator, marks }: Comparison,
  given: readonly unknown[],
): FilterText {
  if (operator === 'like' || operator === '@>') throw unsupported(`a date with ${operator}`);
  return {
    text: `vacuum_instant(${name}, '${column.replaceAll("'", "''")}') ${operator} ${marks}`,
    values: given.map((value) => (value === null ? null : toMillis(value))),
  };
}

function toMillis(value: unknown): number {
  const millis =
    value instanceof Date ? value.getTime() : typeof value === 'string' ? readInstant(value) : undefined;
  if (millis === undefined || millis === null || Number.isNaN(millis)) {
    throw unsupported('a date in a filter that is no Date and no text like 2024-01-31T10:20:30Z');
  }
  return millis;
}

function compareValues({ name, operator, marks }: Comparison, given: readonly unknown[]): FilterText {
  if (operator === 'like')
    return { text: `${name} glob ?`, values: given.map((value) => toGlob(String(value))) };
  if (operator === '@>') return { text: contains(name), values: given.map(toListOfScalars) };
  return { text: `${name} ${operator} ${marks}`, values: given.map(storeValue) };
}

/** Null for what is no JSON: whether it has the values is not known. */
function contains(name: string): string {
  return `(case when json_valid(${name}) then json_type(${name}) = 'array' and not exists (
    select 1 from json_each(?) as w
    where not exists (
      select 1 from json_each(${name}) as h
      where h.atom is w.atom and replace(h.type, 'real', 'integer') = replace(w.type, 'real', 'integer')
    )
  ) end)`;
}

/** The values that a list must have. */
function toListOfScalars(value: unknown): string {
  const text = String(value);
  const list: unknown = JSON.parse(text);
  const isPlain = Array.isArray(list) && list.every((one) => typeof one !== 'object' || one === null);
  if (!isPlain) throw unsupported('$contains with anything but a list of texts, numbers and booleans');
  return text;
}

/** A value as JSON can store it and SQLite compares it. */
function storeValue(value: unknown): BoundValue {
  if (value instanceof Date) throw unsupported('a date in a filter in such a place');
  if (typeof value === 'boolean') return value ? 1 : 0;
  return storeCommonValue(value);
}

/** LIKE of SQLite ignores case: its pattern, in which a backslash takes the meaning of the next sign, as one of GLOB. */
function toGlob(pattern: string): string {
  return pattern.replace(/\\([\s\S])|[%_*?[]/g, (token, escaped: string | undefined) => {
    const plain = escaped ?? (token === '%' || token === '_' ? undefined : token);
    if (plain === undefined) return token === '%' ? '*' : '?';
    return /[*?[]/.test(plain) ? `[${plain}]` : plain;
  });
}

function unquote(name: string): string {
  return name.slice(1, -1).replaceAll('``', '`');
}

function unsupported(what: string): Error {
  return new Error(`${what} is not supported on SQLite`);
}
