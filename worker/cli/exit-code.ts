/** The exit codes, which `docs/commands.md` documents. */
export const EXIT = {
  /** The command did what it was asked to do. */
  done: 0,
  /** A run failed, the doctor found a problem, no policy covers a table, or something unexpected happened. */
  failed: 1,
  /** The command, its settings, the policy or the database cannot be used. */
  issue: 2,
  /** The database or Temporal does not respond. */
  unreachable: 3,
  /** Nothing was done: the policy is disabled, or another run of it is open. */
  nothing: 4,
  /** The run was stopped, cancelled or taken over before its end. */
  unfinished: 5,
  /** A guard stopped the run before it deleted anything. */
  guarded: 6,
} as const;

/** The help has a sentence for each exit code. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT.done, 'done'],
  [
    EXIT.failed,
    'a run failed, the doctor found a problem, `init --check` a table without a policy, or something unexpected happened',
  ],
  [EXIT.issue, 'bad options, settings, policy or database; everything that is wrong is listed'],
  [EXIT.unreachable, 'the database or Temporal does not respond'],
  [EXIT.nothing, 'nothing was done: the policy is disabled, or another run of it is open'],
  [EXIT.unfinished, 'the run was stopped, cancelled or taken over before its end'],
  [EXIT.guarded, 'a guard stopped the run before it deleted anything; the message says what to do'],
];
