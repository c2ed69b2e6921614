import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

/** From when to when some rows of a pass's own table are, by its age. For the ledger only. */
export interface Span {
  /** Milliseconds since the epoch; null where no row has an age. */
  readonly oldest: number | null;
  readonly newest: number | null;
  /** Only some of the rows were looked at: others may be older or newer. */
  readonly sampled: boolean;
}

/** For the end of the `returning` of a delete: the age, where it is asked for. */
export function returningAge(aged: RawBuilder<unknown> | undefined): RawBuilder<unknown> {
  return aged === undefined ? sql`` : sql`, ${aged} as age`;
}

/** `span` from `gone`, a delete that answers the age; null where that was not asked for. */
export function spanOfGone(aged: RawBuilder<unknown> | undefined): RawBuilder<Span | null> {
  return aged === undefined ? sql`null::json as span` : sql`(${spanFrom(sql`gone`)}) as span`;
}

/** The span of the rows of a part with a column `age`, all of which were looked at; a select. */
export function spanFrom(rows: RawBuilder<unknown>): RawBuilder<Span> {
  return sql`
    select json_build_object('oldest', ${oldestOf('r')}, 'newest', ${newestAgeOf('r')}, 'sampled', false)
    from ${rows} as r`;
}

/** When the oldest row of a part with a column `age` is of, in milliseconds since the epoch. */
export function oldestOf(alias: string): RawBuilder<number | null> {
  return sql`(1000 * extract(epoch from min(${sql.id(alias, 'age')})))::float8`;
}

/** When the newest row of such a part is of. */
export function newestAgeOf(alias: string): RawBuilder<number | null> {
  return sql`(1000 * extract(epoch from max(${sql.id(alias, 'age')})))::float8`;
}
