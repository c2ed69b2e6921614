import type { RawBuilder } from 'kysely';

import type { Condition, Instant } from './view.ts';

/** A condition over alias `t`, as upper layers hand it around. */
export function toCondition(condition: RawBuilder<boolean>): Condition {
  return condition as unknown as Condition;
}

/** The SQL of a condition, over alias `t`. */
export function toSql(condition: Condition): RawBuilder<boolean> {
  return condition as unknown as RawBuilder<boolean>;
}

/** An instant in ISO 8601, over alias `t`, as upper layers hand it around. */
export function toInstant(instant: RawBuilder<string | null>): Instant {
  return instant as unknown as Instant;
}

/** The SQL of an instant. */
export function instantSql(instant: Instant): RawBuilder<string | null> {
  return instant as unknown as RawBuilder<string | null>;
}
