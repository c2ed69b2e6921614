/** Why a row stays, in words that programs can use. */
export type StayReason =
  /** It is not old enough yet. */
  | 'too-young'
  /** Its partition can still have rows that are not old enough, and goes as a whole. */
  | 'young-partition'
  /** Its partition has no upper bound, as the default one, so that it is never dropped. */
  | 'open-partition'
  /** It has no age. */
  | 'no-age'
  /** Its retention has no end. */
  | 'kept-for-ever'
  /** The pass's `where` does not match it. */
  | 'filter-mismatch'
  /** It belongs to another row of its entity, which is there. */
  | 'nested'
  /** It is one of the newest of its group. */
  | 'kept-newest'
  /** A hold names it, or something that would be deleted along with it. */
  | 'held'
  /** It names no parent that it could have lost. */
  | 'no-parent'
  /** Its parent is there. */
  | 'parent-exists'
  /** Something references it, or what would be deleted along with it. */
  | 'referenced'
  /** A row of the pass that stays references it, directly or through others. */
  | 'chained'
  /** What it points at is there, or it can be moved to another row. */
  | 'points-at-a-row'
  /** Another session has it locked at this moment. */
  | 'locked'
  /** The database keeps the row for another reason. */
  | 'other';
