/**
 * One thing that is wrong with what a person gave us: a policy, an input, a setting, a database.
 *
 * `what` and `fix` use only the names that the person wrote (policies, passes, entities, properties, settings), so
 * they may cross to Temporal. `here` may name tables, columns and servers; it is shown on this machine only.
 */
export interface Issue {
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
export function sayWhat({ what, here }: Issue, local: boolean): string {
  return local && here !== undefined ? `${what} (${here})` : what;
}

/**
 * Everything that is wrong, in one error.
 *
 * `message` has the local detail; {@link ValidationError.wireMessage} is what may travel through Temporal.
 */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
  readonly subject: string;
  readonly issues: readonly Issue[];

  /** `subject` is what cannot be used: `policy "prefect"`, `the input of workflow vacuum`. */
  constructor(subject: string, mistakes: readonly Issue[]) {
    super(sayAll(subject, mistakes, true));
    this.subject = subject;
    this.issues = mistakes;
  }

  get wireMessage(): string {
    return sayAll(this.subject, this.issues, false);
  }
}

/** Throws one {@link ValidationError} if there is any mistake. */
export function assertValid(subject: string, mistakes: readonly Issue[]): void {
  if (mistakes.length > 0) throw new ValidationError(subject, mistakes);
}

function sayAll(subject: string, mistakes: readonly Issue[], local: boolean): string {
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
  const lines = mistakes.map((mistake) => `  - ${mistake.at}: ${sayWhat(mistake, local)}. ${mistake.fix}.`);
  return `${subject} cannot be used, nothing was deleted; ${count}:\n${lines.join('\n')}`;
}
