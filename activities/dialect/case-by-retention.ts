import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredRetention } from '../stored/expiry.ts';
import { bindPredicate } from './bind-predicate.ts';

/** A number of more than so many years in a column keeps its row for ever: PostgreSQL could not write its horizon. */
export const MOST_YEARS = 2000;
export const MOST_MILLIS = MOST_YEARS * 365 * 24 * 3600 * 1000;

/** Over alias `t`: the value for the retention that counts for the row. */
export function caseByRetention(
  retentions: readonly StoredRetention[],
  value: (retention: StoredRetention, n: number) => RawBuilder<unknown>,
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
