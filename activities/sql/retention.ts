import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName } from './names.ts';
import { castTo, columnOf } from './names.ts';
import type { FrozenRetentionColumn } from './own-retention.ts';
import { ownHorizon } from './own-retention.ts';
import type { Predicate } from './predicate.ts';
import { bindPredicate } from './predicate.ts';

/** How many rows of a group stay, and which columns make a group. */
export interface FrozenKeep {
  readonly count: number;
  readonly per: readonly ColumnName[];
}

/** How long some rows are kept. Of several the first whose condition holds counts. */
export interface FrozenRetention {
  /** Which rows; null for all that no earlier one names. */
  readonly where: Predicate | null;
  /** The instant before which they are expired; null where they are kept for ever. */
  readonly horizon: string | null;
  readonly keep: FrozenKeep | null;
  /** The column that says how long; `horizon` is that of rows where it is null. */
  readonly column?: FrozenRetentionColumn;
}

/** Which rows can expire, and when. */
export interface Expiry {
  /** The columns with the age, of which the first that is not null counts. */
  readonly ages: readonly [ColumnName, ...ColumnName[]];
  /** The latest of all horizons: nothing younger can be expired. */
  readonly horizon: string;
  readonly where: Predicate;
  /** The last one has no condition. */
  readonly retentions: readonly FrozenRetention[];
}

/** The age of a row of an alias. */
export function ageOf(alias: string, ages: Expiry['ages']): RawBuilder<unknown> {
  const columns = ages.map((age) => columnOf(alias, age));
  return columns.length === 1 ? sql`${columns[0]}` : sql`coalesce(${sql.join(columns)})`;
}

/** Over alias `t`: the row is past its horizon and matches. */
export function isExpired({ ages, horizon, where, retentions }: Expiry): RawBuilder<boolean> {
  const age = ageOf('t', ages);
  const [{ type }] = ages;
  // The first comparison alone can use an index.
  const past = sql`${age} < ${castTo(horizon, type)}`;
  const matches = bindPredicate(where);
  if (retentions.length === 1 && retentions[0]?.column === undefined) return sql`${past} and ${matches}`;
  const own = whichever(retentions, (retention) => horizonOfRow(retention, type));
  return sql`${past} and ${matches} and ${age} < ${own}`;
}

/** Over alias `t`: the horizon by a retention, of the type of the ages; null where the row is kept for ever. */
export function horizonOfRow({ horizon, column }: FrozenRetention, type: string): RawBuilder<unknown> {
  const frozen = horizon === null ? sql`null` : castTo(horizon, type);
  return column === undefined ? frozen : ownHorizon(column, type, frozen);
}

/** Over alias `t`: the value for the retention that counts for the row. */
export function whichever(
  retentions: readonly FrozenRetention[],
  value: (retention: FrozenRetention, n: number) => RawBuilder<unknown>,
): RawBuilder<unknown> {
  const whens = retentions.map((retention, n) =>
    retention.where === null
      ? sql`else ${value(retention, n)}`
      : sql`when ${bindPredicate(retention.where)} then ${value(retention, n)}`,
  );
  return whens.length === 1 && retentions[0]?.where === null
    ? value(retentions[0], 0)
    : sql`case ${sql.join(whens, sql` `)} end`;
}

/** Whether any condition selects, or reads a parent's column: see `Predicate.selects`. */
export function selects({ where, retentions }: Pick<Expiry, 'where' | 'retentions'>): boolean {
  return (
    where.selects ||
    retentions.some(
      ({ where: own, column }) => own?.selects === true || (column !== undefined && column.parent !== null),
    )
  );
}
