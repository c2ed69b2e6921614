import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { castTo, wide } from './names.ts';
import type { Expiry } from './retention.ts';
import { ageOf, horizonOfRow, whichever } from './retention.ts';

/** Over alias `t`: the horizon that counts for the row; null where it is kept for ever. */
export function horizonFor({ ages, retentions }: Pick<Expiry, 'ages' | 'retentions'>): RawBuilder<unknown> {
  const type = wide(ages[0].type);
  return whichever(retentions, (retention) => horizonOfRow(retention, type));
}

/**
 * The instant from which an age is past a horizon, as `to_json` writes it, where both stay as they are: horizons move
 * with the time, and lie as far before it as they do now. A date is past it only when its day is.
 */
export function instantPast(
  age: RawBuilder<unknown>,
  horizon: RawBuilder<unknown>,
  now: string,
  type: string,
): RawBuilder<string | null> {
  const day = type === 'date' ? sql` + interval '1 day'` : sql``;
  const when = sql`${age} + (${castTo(now, wide(type))} - ${horizon})${day}`;
  // What does not say its time zone is taken as UTC: its horizon has room for all others.
  const instant = type.endsWith('with time zone') ? when : sql`(${when}) at time zone 'UTC'`;
  return sql`to_json(${instant}) #>> '{}'`;
}

/** Over alias `t`: the same for the row of an expiry. */
export function expiresFrom(
  expiry: Pick<Expiry, 'ages' | 'retentions'>,
  now: string,
): RawBuilder<string | null> {
  return instantPast(ageOf('t', expiry.ages), horizonFor(expiry), now, expiry.ages[0].type);
}
