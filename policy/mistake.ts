/**
 * One thing that is wrong with what a person gave us: a policy, an input, a setting, a database.
 *
 * `what` and `fix` use only the names that the person wrote (policies, passes, entities, properties, settings), so
 * they may cross to Temporal. `here` may name tables, columns and servers; it is shown on this machine only.
 */
export interface Mistake {
  /** Where it stands, in the person's words: `pass "old-logs"`, `setting retentionPeriod`, `input`. */
  readonly at: string;
  /** What is wrong and, unless it is plain, why that matters. */
  readonly what: string;
  /** What to do about it. */
  readonly fix: string;
  /** Detail that must not leave this machine. */
  readonly here?: string;
}

/** What is wrong; `local` adds the detail that must not leave this machine. */
export function sayWhat({ what, here }: Mistake, local: boolean): string {
  return local && here !== undefined ? `${what} (${here})` : what;
}

/**
 * Everything that is wrong, in one error.
 *
 * `message` has the local detail; {@link MistakesError.wireMessage} is what may travel through Temporal.
 */
export class MistakesError extends Error {
  override readonly name = 'MistakesError';
  readonly subject: string;
  readonly mistakes: readonly Mistake[];

  /** `subject` is what cannot be used: `policy "prefect"`, `the input of workflow vacuum`. */
  constructor(subject: string, mistakes: readonly Mistake[]) {
    super(sayAll(subject, mistakes, true));
    this.subject = subject;
    this.mistakes = mistakes;
  }

  get wireMessage(): string {
    return sayAll(this.subject, this.mistakes, false);
  }
}

/** Throws one {@link MistakesError} if there is any mistake. */
export function refuseMistakes(subject: string, mistakes: readonly Mistake[]): void {
  if (mistakes.length > 0) throw new MistakesError(subject, mistakes);
}

function sayAll(subject: string, mistakes: readonly Mistake[], local: boolean): string {
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
  const lines = mistakes.map((mistake) => `  - ${mistake.at}: ${sayWhat(mistake, local)}. ${mistake.fix}.`);
  return `${subject} cannot be used, nothing was deleted; ${count}:\n${lines.join('\n')}`;
}
