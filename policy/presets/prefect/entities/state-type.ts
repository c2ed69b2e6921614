/** Every state a run can be in. Names of states are free text; only the type says what a state means. */
export const STATE_TYPES = [
  'SCHEDULED',
  'PENDING',
  'RUNNING',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'CRASHED',
  'PAUSED',
  'CANCELLING',
] as const;

/** The states in which a run is over, unless somebody retries it. */
export const TERMINAL_STATE_TYPES = ['COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED'] as const;

/** One of {@link TERMINAL_STATE_TYPES}. */
export type TerminalStateType = (typeof TERMINAL_STATE_TYPES)[number];
