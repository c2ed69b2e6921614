import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName } from '../../stored/columns.ts';
import { EPOCH_RANGE, findMixedType, hoursUntilOver } from '../column-types.ts';
import { castValue, columnRef } from './identifiers.ts';

/** How a column counts from 1970. */
interface EpochForm {
  readonly perSecond: number;
  /** The type of its values; an index is used only for a comparison with one of its kind. */
  readonly valueType: string;
  readonly isWhole: boolean;
}

const PER_SECOND = new Map([
  ['seconds', 1],
  ['milliseconds', 1000],
  ['microseconds', 1_000_000],
]);

/** How a column of an age counts from 1970; undefined if it holds instants. See `toEpochType`. */
function findForm({ type }: ColumnName): EpochForm | undefined {
  const { unit = '', number = '' } =
    /^timestamp in (?<unit>\w+) of (?<number>.+) with time zone$/.exec(type)?.groups ?? {};
  const perSecond = PER_SECOND.get(unit);
  if (perSecond === undefined) return undefined;
  const isWhole = /^(smallint|integer|bigint)$/.test(number);
  return { perSecond, valueType: isWhole ? 'bigint' : number, isWhole };
}

/** A value of a column as an instant. A number that is none in its unit is null: 0 may stand for never. */
export function toInstant(value: RawBuilder<unknown>, age: ColumnName): RawBuilder<unknown> {
  const mixed = findMixedType(age.type);
  if (mixed !== undefined)
    return sql`((${value} + ${sql.lit(`${hoursUntilOver(mixed)} hours`)}::interval) at time zone 'UTC')`;
  const form = findForm(age);
  if (form === undefined) return value;
  const { perSecond } = form;
  const [least, most] = EPOCH_RANGE.map((seconds) => sql.lit(seconds * perSecond));
  return sql`case
    when ${value} between ${least} and ${most} then to_timestamp(${value}::float8 / ${sql.lit(perSecond)})
  end`;
}

/**
 * A bound of a scan by age, to be compared with the column itself: a horizon in ISO 8601, or a value of the column as
 * text. A whole number is before a horizon exactly if it is before the next whole number.
 */
export function castBound(bound: string, age: ColumnName): RawBuilder<unknown> {
  const form = findForm(age);
  if (form === undefined) return castValue(bound, age.type);
  if (!/^\d{4}-\d\d-/.test(bound)) return castValue(bound, form.valueType);
  const number = (Date.parse(bound) / 1000) * form.perSecond;
  // Milliseconds divided and multiplied again may be off by one in the last digit of a double.
  const exact = form.perSecond < 1000 ? number : Math.round(number);
  return castValue(String(form.isWhole ? Math.ceil(exact) : exact), form.valueType);
}

/** Over alias `t`: the value of a column is not too small to be an instant. */
export function isFromFirst(age: ColumnName): RawBuilder<boolean> {
  const form = findForm(age);
  return form === undefined
    ? sql`true`
    : sql`${columnRef('t', age)} >= ${sql.lit(EPOCH_RANGE[0] * form.perSecond)}`;
}
