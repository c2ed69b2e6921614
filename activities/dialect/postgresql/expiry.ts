import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { AgeColumn } from '../../stored/columns.ts';
import type { StoredRetention, StoredRetentionColumn, Expiry } from '../../stored/expiry.ts';
import { caseByRetention, MOST_MILLIS, MOST_YEARS } from '../case-by-retention.ts';
import type { ViewSql } from '../sql-view.ts';
import { toInstant } from './epoch.ts';
import { columnRef, castValue, tableRef, timestampType, baseType } from './identifiers.ts';

/** The age of a row of an alias. */
export function ageExpression(alias: string, ages: Expiry['ages']): RawBuilder<unknown> {
  const columns = ages.map((age) => ageColumn(alias, age));
  return columns.length === 1 ? sql`${columns[0]}` : sql`coalesce(${sql.join(columns)})`;
}

/** A column as an age of an alias. */
export function ageColumn(alias: string, age: AgeColumn): RawBuilder<unknown> {
  const { parent } = age;
  if (parent === undefined) return toInstant(columnRef(alias, age), age);
  return sql`(
    select ${toInstant(columnRef('owner', age), age)}
    from ${tableRef(parent.table)} as owner
    where ${columnRef('owner', parent.key)} = ${columnRef(alias, parent.by)}
  )`;
}

/** The least of a column `age` of an alias, or of another value, in milliseconds since the epoch. */
export function oldestMillis(
  alias: string,
  age: RawBuilder<unknown> = sql.id(alias, 'age'),
): RawBuilder<number | null> {
  return sql`(1000 * extract(epoch from min(${age})))::float8`;
}

/** The greatest of a column `age` of an alias. */
export function newestMillis(alias: string): RawBuilder<number | null> {
  return sql`(1000 * extract(epoch from max(${sql.id(alias, 'age')})))::float8`;
}

/** Over alias `t`: the row is older than a horizon. */
export const isBefore: ViewSql<unknown>['isBefore'] = (ages, horizon) => {
  return sql`${ageExpression('t', ages)} < ${castValue(horizon, ages[0].type)}`;
};

/** Over alias `t`: the row is past the horizon of the retention that counts for it. */
export const isExpired: ViewSql<unknown>['isExpired'] = ({ ages, horizon, retentions }) => {
  // The first comparison alone can use an index.
  const past = isBefore(ages, horizon);
  if (retentions.length === 1 && retentions[0]?.column === undefined) return past;
  const own = caseByRetention(retentions, (retention) => rowHorizon(retention, ages[0].type));
  return sql`${past} and ${ageExpression('t', ages)} < ${own}`;
};

/** Over alias `t`: the horizon by a retention, of the type of the ages; null if the row is kept for ever. */
function rowHorizon({ horizon, column }: StoredRetention, type: string): RawBuilder<unknown> {
  const stored = horizon === null ? sql`null` : castValue(horizon, type);
  return column === undefined ? stored : columnHorizon(column, type, stored);
}

/**
 * The horizon of a row by its column, of the type of the ages; null if it stays for ever. `otherwise` is the horizon
 * if the column is null. Over alias `t`.
 */
function columnHorizon(
  { column, parent, isInterval, unitMillis, leastMillis, horizon }: StoredRetentionColumn,
  type: string,
  otherwise: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const number =
    parent === null
      ? sql`${columnRef('t', column)}`
      : sql`(
          select ${columnRef('owner', column)}
          from ${tableRef(parent.table)} as owner
          where ${columnRef('owner', parent.key)} = ${columnRef('t', parent.by)}
        )`;
  if (isInterval === true) {
    const start = castValue(horizon, timestampType(type));
    return sql`(
      select case
        when n.kept is null then ${otherwise}
        when n.kept between ${leastMillis}::float8 * interval '1 millisecond' and ${sql.lit(`${MOST_YEARS} years`)}::interval
          then (${start} - n.kept)::${baseType(type)}
      end
      from (select ${number} as kept) as n
    )`;
  }
  // NaN is the greatest number: such a row stays for ever.
  const millis = sql`n.millis * interval '1 millisecond'`;
  return sql`(
    select case
      when n.millis is null then ${otherwise}
      when n.millis between ${leastMillis}::float8 and ${MOST_MILLIS}::float8
        then (${castValue(horizon, timestampType(type))} - ${millis})::${baseType(type)}
    end
    from (select ${number}::float8 * ${unitMillis}::float8 as millis) as n
  )`;
}

/** Over alias `t`: the horizon that counts for the row; null if it is kept for ever. */
export const selectHorizon: ViewSql<unknown>['selectHorizon'] = ({ ages, retentions }) => {
  const type = timestampType(ages[0].type);
  return caseByRetention(retentions, (retention) => rowHorizon(retention, type));
};

/**
 * The instant from which an age is past a horizon, as `to_json` writes it, if both stay as they are: horizons move with the
 * clock, and lie as far before it as they do now. A date is past it only when its day is.
 */
export function dueWhenOlder(
  age: RawBuilder<unknown>,
  horizon: RawBuilder<unknown>,
  now: string,
  type: string,
): RawBuilder<string | null> {
  const day = type === 'date' ? sql` + interval '1 day'` : sql``;
  // PostgreSQL ends with the year 294276: an age near it has no instant that could be written.
  const writable = sql`case when ${age} >= '200000-01-01' then 'infinity' else ${age} end`;
  const when = sql`${writable} + (${castValue(now, timestampType(type))} - ${horizon})${day}`;
  // What does not say its time zone is taken as UTC: its horizon has room for all others.
  const instant = type.endsWith('with time zone') ? when : sql`(${when}) at time zone 'UTC'`;
  return sql`to_json(${instant}) #>> '{}'`;
}

/** Over alias `t`: the same for the row of an expiry. */
export const dueWhenExpired: ViewSql<unknown>['dueWhenExpired'] = (expiry, now) => {
  return dueWhenOlder(ageExpression('t', expiry.ages), selectHorizon(expiry), now, expiry.ages[0].type);
};
