import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { FrozenExpireRows } from '../passes/expire-rows.ts';
import { expiresFrom, horizonFor } from '../sql/expires-from.ts';
import { isFree } from '../sql/free.ts';
import { isNotNewest } from '../sql/kept.ts';
import { columnOf } from '../sql/names.ts';
import { ALWAYS, bindPredicate } from '../sql/predicate.ts';
import { ageOf, isExpired } from '../sql/retention.ts';
import type { Asked, ConditionPart, Explained } from './condition.ts';
import { explained } from './conditions.ts';

/** What an expiry asks of a row. `expired` is the condition that it deletes by, but for what is kept and held. */
export function explainExpiry(
  frozen: FrozenExpireRows,
  expired: RawBuilder<boolean>,
  { holds, now }: Asked,
): Explained {
  const { ages, where, nesting, keeps } = frozen;
  const age = ageOf('t', ages);
  const parts: ConditionPart[] = [
    { why: 'filter-mismatch', holds: bindPredicate(where) },
    { why: 'no-age', holds: sql`${age} is not null` },
    { why: 'kept-for-ever', holds: sql`${horizonFor(frozen)} is not null` },
    {
      why: 'too-young',
      // What has no age or no horizon is not young, and a row of another state is judged by its age all the same.
      holds: sql`(${age} is null or ${horizonFor(frozen)} is null or ${isExpired({ ...frozen, where: ALWAYS })})`,
      from: expiresFrom(frozen, now),
    },
  ];
  if (nesting !== null) parts.push({ why: 'nested', holds: sql`${columnOf('t', nesting.column)} is null` });
  if (keeps === undefined) return explained(expired, parts, isFree(holds, frozen));
  // Which rows stay is found as a run finds it when it begins.
  const kept = isNotNewest(keeps);
  parts.push({ why: 'kept-newest', holds: kept });
  return explained(sql`${expired} and ${kept}`, parts, isFree(holds, frozen));
}
