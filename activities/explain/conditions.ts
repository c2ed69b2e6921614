import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { instantPast } from '../sql/expires-from.ts';
import type { ColumnName } from '../sql/names.ts';
import { castTo, columnOf, wide } from '../sql/names.ts';
import type { Predicate } from '../sql/predicate.ts';
import { bindPredicate } from '../sql/predicate.ts';
import type { ConditionPart, Explained } from './condition.ts';

/** The parts of a condition by one age with one horizon, and a filter. */
export function pastGraceParts(
  { age, horizon, where }: { readonly age: ColumnName; readonly horizon: string; readonly where: Predicate },
  now: string,
): ConditionPart[] {
  const column = columnOf('t', age);
  return [
    { why: 'filter-mismatch', holds: bindPredicate(where) },
    { why: 'no-age', holds: sql`${column} is not null` },
    {
      why: 'too-young',
      holds: sql`${column} < ${castTo(horizon, age.type)}`,
      from: instantPast(column, castTo(horizon, wide(age.type)), now, age.type),
    },
  ];
}

/** A condition and its parts, with what holds keep. */
export function explained(
  goes: RawBuilder<boolean>,
  parts: readonly ConditionPart[],
  free: RawBuilder<boolean> | undefined,
): Explained {
  if (free === undefined) return { goes, parts };
  return { goes: sql`${goes} and ${free}`, parts: [...parts, { why: 'held', holds: free }] };
}
