/**
 * How a statement that gives space back ended. `interrupted`: its worker or its server went away; `cancelled`: somebody
 * ended it; `locked`: others held the table; `closed`: its hours were over; `failed`: the database refused.
 */
export type ReclaimOutcome = 'done' | 'interrupted' | 'cancelled' | 'locked' | 'closed' | 'failed';

/** A statement that was started and has no end in the journal. */
export interface InterruptedReclaim {
  readonly run: number;
  /** The name of its pass. */
  readonly name: string;
  readonly label: string;
  readonly mode: string;
  readonly at: string;
}
