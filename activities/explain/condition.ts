import type { RawBuilder } from 'kysely';

import type { Holds } from '../sql/holds.ts';

/** Why a row stays, in words that programs can use. */
export type StayReason =
  /** It is not old enough yet. */
  | 'too-young'
  /** It has no age. */
  | 'no-age'
  /** Its retention has no end. */
  | 'kept-for-ever'
  /** The pass's `where` does not name it. */
  | 'filter-mismatch'
  /** It belongs to another row of its entity, which is there. */
  | 'nested'
  /** It is one of the newest of its group. */
  | 'kept-newest'
  /** A hold names it, or something that would go along with it. */
  | 'held'
  /** It names no parent that it could have lost. */
  | 'no-parent'
  /** Its parent is there. */
  | 'parent-alive'
  /** Something points at it. */
  | 'referenced'
  /** What it points at is there. */
  | 'points-at-a-row'
  /** Another session has it locked at this moment. */
  | 'locked'
  /** The database keeps the row for another reason. */
  | 'other';

/** A part of what a pass asks of a row, over alias `t`. */
export interface ConditionPart {
  readonly why: StayReason;
  /** Where it is not true the row stays. */
  readonly holds: RawBuilder<boolean>;
  /** The instant from which it is true, as `to_json` writes it. */
  readonly from?: RawBuilder<string | null>;
}

/** What a pass asks of a row, over alias `t`: as a whole, as it deletes by, and in parts that tell why. */
export interface Explained {
  readonly goes: RawBuilder<boolean>;
  readonly parts: readonly ConditionPart[];
}

/** What a condition depends on besides the frozen pass. */
export interface Asked {
  readonly holds: Holds;
  /** The begin of the run that would be, by the database's clock. */
  readonly now: string;
}
