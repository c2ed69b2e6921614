/** What the exit code of a command says; part of the documentation (`docs/commands.md`). */
export const EXIT = {
  /** What was asked is done. */
  done: 0,
  /** A run failed, the doctor found a problem, or something unexpected happened. */
  failed: 1,
  /** What was asked cannot be understood or cannot be done with this policy or database. */
  mistake: 2,
  /** The database or Temporal does not answer. */
  unreachable: 3,
  /** Nothing was done: the policy is disabled, or another run of it is open. */
  nothing: 4,
  /** The run was stopped, cancelled or taken over before its end. */
  unfinished: 5,
  /** A guard stopped the run before it deleted anything. */
  guarded: 6,
} as const;

/** A sentence for each exit code, for the help. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT.done, 'done'],
  [EXIT.failed, 'a run failed, the doctor found a problem, or something unexpected happened'],
  [EXIT.mistake, 'bad options, settings, policy or database; everything that is wrong is listed'],
  [EXIT.unreachable, 'the database or Temporal does not answer'],
  [EXIT.nothing, 'nothing was done: the policy is disabled, or another run of it is open'],
  [EXIT.unfinished, 'the run was stopped, cancelled or taken over before its end'],
  [EXIT.guarded, 'a guard stopped the run before it deleted anything; what to do is said'],
];
