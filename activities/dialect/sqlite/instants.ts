import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { NO_VALUES } from '../column-types.ts';

/**
 * How a column stores its instants. SQLite has no type for them: libraries write texts in several forms, or numbers in
 * several units. A number is less than any text, so that a horizon in the wrong form would expire every row.
 */
export interface InstantForm {
  /** The type by which upper layers know it: see `column-types.ts`. */
  readonly type: string;
  /** A horizon, in ISO 8601, as a value of the column. No stored text of an instant before it is greater or equal. */
  readonly toValue: (iso: string) => string | number;
  /** Whether a value of the column is one of this form: evaluated in the statement that deletes. */
  readonly isForm: (value: RawBuilder<unknown>) => RawBuilder<boolean>;
  /** A value of the column in milliseconds since the epoch. */
  readonly toMillis: (value: RawBuilder<unknown>) => RawBuilder<number | null>;
  /** Whether a value that was read is one of this form. */
  readonly matches: (value: unknown) => boolean;
}

const DAY = '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]';
const TIME = '[0-2][0-9]:[0-5][0-9]:[0-6][0-9]';

/** A text in the form of a date is one that the calendar has: 0000-00-00 stands for none in what came from MySQL. */
function isDate(value: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`unixepoch(${value}) is not null`;
}

/** A text of a day and a time with a separator, and a suffix after the fraction of the second. */
function textForm(separator: ' ' | 'T', suffix: '' | 'Z' | '+00:00', zoned: boolean): InstantForm {
  const pattern = `${DAY}${separator}${TIME}*`;
  const shape = new RegExp(
    `^\\d{4}-\\d\\d-\\d\\d${separator}\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?${suffix.replace('+', '\\+')}$`,
  );
  return {
    type: `timestamp text ${separator === ' ' ? 'blank' : 'T'}${suffix}${zoned ? ' with time zone' : ''}`,
    // Without zeros at the end: what is shorter is less, and an equal instant must not be.
    toValue: (iso) =>
      iso
        .slice(0, -1)
        .replace('T', separator)
        .replace(/\.?0+$/, ''),
    isForm: (value) => sql`(
      typeof(${value}) = 'text' and ${value} glob ${pattern} and ltrim(substr(${value}, 20), '.0123456789') = ${suffix}
      and ${isDate(value)}
    )`,
    toMillis: (value) => sql`round(1000 * unixepoch(${value}, 'subsec'))`,
    matches: (value) => typeof value === 'string' && shape.test(value),
  };
}

/**
 * A number since the epoch in a unit, of which so many are a second. Smaller numbers mean something else, like 0 for never:
 * instants from 1973 to 2128 count, in which no unit has the numbers of another.
 */
function numberForm(unit: string, perSecond: number): InstantForm {
  const [least, most] = [1e8 * perSecond, 5e9 * perSecond];
  return {
    type: `timestamp in ${unit} with time zone`,
    toValue: (iso) => (Date.parse(iso) * perSecond) / 1000,
    isForm: (value) => sql`(
      typeof(${value}) in ('integer', 'real') and ${value} between ${least} and ${most}
    )`,
    toMillis: (value) => sql`(1000.0 * ${value} / ${perSecond})`,
    matches: (value) => typeof value === 'number' && value >= least && value <= most,
  };
}

const DATE: InstantForm = {
  type: 'date',
  toValue: (iso) => iso.slice(0, 10),
  isForm: (value) => sql`(typeof(${value}) = 'text' and ${value} glob ${DAY} and ${isDate(value)})`,
  toMillis: (value) => sql`(1000 * unixepoch(${value}))`,
  matches: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value),
};

/** Milliseconds since the epoch that a statement computed from columns of several forms. */
export const MILLIS: InstantForm = {
  type: 'milliseconds',
  toValue: (iso) => Date.parse(iso),
  isForm: (value) => sql`(${value} is not null)`,
  toMillis: (value) => sql<number | null>`${value}`,
  matches: (value) => typeof value === 'number',
};

/** Texts that do not say their time zone. */
const UNZONED = [textForm(' ', '', false), textForm('T', '', false)];
/** The same if the entity says that they are UTC. */
const UTC = [textForm(' ', '', true), textForm('T', '', true)];

const FORMS: readonly InstantForm[] = [
  ...UNZONED,
  textForm(' ', '+00:00', true),
  textForm('T', '+00:00', true),
  textForm(' ', 'Z', true),
  textForm('T', 'Z', true),
  DATE,
  numberForm('seconds', 1),
  numberForm('milliseconds', 1000),
  numberForm('microseconds', 1_000_000),
];

const BY_TYPE = new Map([...FORMS, ...UTC].map((form) => [form.type, form]));

/** The form of a column by its type; undefined if it has no values. Throws for a type that is no instant. */
export function findForm(type: string): InstantForm | undefined {
  const form = BY_TYPE.get(type);
  if (form === undefined && type !== NO_VALUES) throw new Error(`a column of type ${type} has no instants`);
  return form;
}

/** The type of a column by some of its values: of the one form that all have, or a text that says why it is none. */
export function detectInstants(values: readonly unknown[]): string {
  if (values.length === 0) return NO_VALUES;
  const form = FORMS.find(({ matches }) => values.every(matches));
  if (form !== undefined) return form.type;
  const kinds = new Set(values.map(describeValue));
  return kinds.size > 1
    ? `values of several forms: ${[...kinds].toSorted().join(', ')}`
    : `values that are no instants in a known form: ${[...kinds].join(', ')}`;
}

function describeValue(value: unknown): string {
  const form = FORMS.find(({ matches }) => matches(value));
  if (form !== undefined) return form.type;
  return typeof value === 'object' ? 'blob' : typeof value === 'string' ? 'text' : 'number';
}
