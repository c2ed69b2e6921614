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
export function describeIssue({ what, here }: Issue, local: boolean): string {
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
  constructor(subject: string, issues: readonly Issue[]) {
    super(describeAll(subject, issues, true));
    this.subject = subject;
    this.issues = issues;
  }

  get wireMessage(): string {
    return describeAll(this.subject, this.issues, false);
  }
}

/** Throws one {@link ValidationError} if there is any issue. */
export function assertValid(subject: string, issues: readonly Issue[]): void {
  if (issues.length > 0) throw new ValidationError(subject, issues);
}

function describeAll(subject: string, issues: readonly Issue[], local: boolean): string {
  const count = issues.length === 1 ? '1 mistake' : `${issues.length} mistakes`;
  const lines = issues.map((issue) => `  - ${issue.at}: ${describeIssue(issue, local)}. ${issue.fix}.`);
  return `${subject} cannot be used, nothing was deleted; ${count}:\n${lines.join('\n')}`;
}
