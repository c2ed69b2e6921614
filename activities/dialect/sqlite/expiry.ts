import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { AgeColumn, Ages } from '../../stored/columns.ts';
import type { StoredRetention, StoredRetentionColumn } from '../../stored/expiry.ts';
import { caseByRetention, MOST_MILLIS } from '../case-by-retention.ts';
import { findMixedType, hoursUntilOver } from '../column-types.ts';
import type { ViewSql } from '../sql-view.ts';
import { columnRef, tableRef } from './identifiers.ts';
import type { InstantForm } from './instants.ts';
import { findForm, MILLIS } from './instants.ts';

const HOUR = 3600 * 1000;
const DAY_MILLIS = 24 * HOUR;

/** The age of a row of an alias: as it is stored, or in milliseconds if its columns store it in several forms. */
export function ageExpression(alias: string, ages: readonly AgeColumn[]): RawBuilder<unknown> {
  const columns = ages.map((age) => ageColumn(alias, age));
  if (isMixed(ages)) return mixedMillis(ages, columns);
  return columns.length === 1 ? sql`${columns[0]}` : sql`coalesce(${sql.join(columns)})`;
}

function ageColumn(alias: string, age: AgeColumn): RawBuilder<unknown> {
  const { parent } = age;
  if (parent === undefined) return columnRef(alias, age);
  return sql`(
    select ${columnRef('owner', age)}
    from ${tableRef(parent.table)} as owner
    where ${columnRef('owner', parent.key)} = ${columnRef(alias, parent.by)}
  )`;
}

function isMixed(ages: readonly AgeColumn[]): boolean {
  return new Set(ages.map(({ type }) => type)).size > 1;
}

/** The form of an age; undefined if there are no values. */
export function findAgeForm(ages: Ages): InstantForm | undefined {
  return isMixed(ages) ? MILLIS : findForm(ages[0].type);
}

/**
 * The first of some values that is not null, in milliseconds since the epoch. A number that is no instant stands for none. Any
 * other value that is none leaves the row without an age.
 */
function mixedMillis(
  ages: readonly AgeColumn[],
  columns: readonly RawBuilder<unknown>[],
): RawBuilder<number | null> {
  const cases = ages.map(({ type }, n) => {
    const value = sql`${columns[n]}`;
    const mixed = findMixedType(type);
    const form = findForm(mixed ?? type);
    if (form === undefined) return sql`when ${value} is not null then null`;
    const shift = mixed === undefined ? 0 : hoursUntilOver(mixed) * HOUR;
    return sql`
      when ${form.isForm(value)} then ${form.toMillis(value)} + ${shift}
      when typeof(${value}) not in ('null', 'integer', 'real') then null`;
  });
  return sql`case ${sql.join(cases, sql` `)} end`;
}

/** The age of a row of an alias in milliseconds since the epoch; null if it has none, or none of the form of its column. */
export function ageMillis(alias: string, ages: Ages): RawBuilder<number | null> {
  const form = findAgeForm(ages);
  if (form === undefined) return sql`null`;
  const age = ageExpression(alias, ages);
  return sql`case when ${form.isForm(age)} then ${form.toMillis(age)} end`;
}

/** Over alias `t`: the age is before an instant. False of a value in another form than that of its column. */
export const isBefore: ViewSql<unknown>['isBefore'] = (ages, horizon) => {
  const form = findAgeForm(ages);
  if (form === undefined) return sql`false`;
  const age = ageExpression('t', ages);
  return sql`(${age} < ${form.toValue(horizon)} and ${form.isForm(age)})`;
};

/** Over alias `t`: the row is past the horizon of the retention that counts for it. */
export const isExpired: ViewSql<unknown>['isExpired'] = ({ ages, horizon, retentions }) => {
  const past = isBefore(ages, horizon);
  const form = findAgeForm(ages);
  if (form === undefined || (retentions.length === 1 && retentions[0]?.column === undefined)) return past;
  const age = ageExpression('t', ages);
  const isPastOwn = ({ horizon: own, column }: StoredRetention): RawBuilder<unknown> => {
    const stored = own === null ? sql`null` : sql`${age} < ${form.toValue(own)}`;
    if (column === undefined) return stored;
    const { number, least, most } = retentionNumber(column);
    return sql`case
      when ${number} is null then ${stored}
      when ${number} between ${least} and ${most} then ${form.toMillis(age)} < ${columnHorizon(column, number)}
    end`;
  };
  return sql`(${past} and ${caseByRetention(retentions, isPastOwn)})`;
};

/** Over alias `t`: the number of a retention in a column, and the least and the most that let its row go. A text is no number. */
function retentionNumber({ column, parent, unitMillis, leastMillis }: StoredRetentionColumn): {
  readonly number: RawBuilder<number | null>;
  readonly least: number;
  readonly most: number;
} {
  const value =
    parent === null
      ? columnRef('t', column)
      : sql`(
          select ${columnRef('owner', column)}
          from ${tableRef(parent.table)} as owner
          where ${columnRef('owner', parent.key)} = ${columnRef('t', parent.by)}
        )`;
  // What is no number keeps its row: it becomes less than the least.
  return {
    number: sql`(case when typeof(${value}) in ('integer', 'real', 'null') then ${value} else -1 end)`,
    least: leastMillis / unitMillis,
    most: MOST_MILLIS / unitMillis,
  };
}

/** The horizon of a row by its column, in milliseconds since the epoch. */
function columnHorizon(
  { horizon, unitMillis }: StoredRetentionColumn,
  number: RawBuilder<number | null>,
): RawBuilder<number | null> {
  return sql`(${Date.parse(horizon)} - ${number} * ${unitMillis})`;
}

/** Over alias `t`: the horizon that counts for the row, in milliseconds since the epoch; null if it is kept for ever. */
export const selectHorizon: ViewSql<unknown>['selectHorizon'] = ({ retentions }) => {
  return caseByRetention(retentions, ({ horizon, column }) => {
    const stored = horizon === null ? sql`null` : sql`${Date.parse(horizon)}`;
    if (column === undefined) return stored;
    const { number, least, most } = retentionNumber(column);
    return sql`case
      when ${number} is null then ${stored}
      when ${number} between ${least} and ${most} then ${columnHorizon(column, number)}
    end`;
  });
};

/**
 * Over alias `t`: the instant, in ISO 8601, from which an age is past a horizon, if both stay as they are: horizons move with
 * the clock, and lie as far before it as they do now. A date is past it only when its day is.
 */
export function dueWhenOlder(
  ages: Ages,
  horizon: RawBuilder<unknown>,
  now: string,
): RawBuilder<string | null> {
  const day = ages[0].type === 'date' ? DAY_MILLIS : 0;
  const due = sql`(${ageMillis('t', ages)} + ${Date.parse(now) + day} - ${horizon})`;
  return sql`strftime('%Y-%m-%dT%H:%M:%fZ', ${due} / 1000.0, 'unixepoch')`;
}
