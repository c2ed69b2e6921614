import { countNouns, formatCount } from './count-nouns.ts';
import { foldAlike, listNames } from './fold-alike.ts';

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

/** So many issues that are alike are still listed one by one: a person mends each of them. */
const MOST_ALIKE = 10;

/**
 * Lists issues, one a line. More than ten that differ only in names are the first of them and the names of the others, unless
 * `details` asks for all.
 */
export function listIssues(issues: readonly Issue[], local: boolean, details = false): string {
  const toLine = (issue: Issue): string => `${issue.at}: ${describeIssue(issue, local)}. ${issue.fix}.`;
  const most = details ? issues.length : MOST_ALIKE;
  const lines = foldAlike(issues, toLine, most).flatMap(({ first, others }) => {
    const names = listNames(others.map(({ at }) => at));
    const more = `    and ${formatCount(others.length)} like it: ${names}; doctor --details lists them`;
    return [`  - ${toLine(first)}`, ...(others.length === 0 ? [] : [more])];
  });
  return lines.join('\n');
}

/**
 * Everything that is wrong, in one error. Many issues that are alike are folded in `message`; `issues` has all of them.
 *
 * `message` has the local detail; {@link ValidationError.wireMessage} is what may travel through Temporal.
 */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
  readonly subject: string;
  readonly issues: readonly Issue[];

  /** `subject` is what cannot be used: `policy "prefect"`, `the input of workflow vacuum`. */
  constructor(subject: string, issues: readonly Issue[]) {
    super(describeAll(subject, issues, listIssues(issues, true)));
    this.subject = subject;
    this.issues = issues;
  }

  get wireMessage(): string {
    return describeAll(this.subject, this.issues, listIssues(this.issues, false));
  }

  /** The message with each issue in a line of its own, however many are alike. */
  get wholeMessage(): string {
    return describeAll(this.subject, this.issues, listIssues(this.issues, true, true));
  }
}

/** Throws one {@link ValidationError} if there is any issue. */
export function assertValid(subject: string, issues: readonly Issue[]): void {
  if (issues.length > 0) throw new ValidationError(subject, issues);
}

function describeAll(subject: string, { length }: readonly Issue[], list: string): string {
  return `${subject} cannot be used, nothing was deleted; ${countNouns(length, 'mistake')}:\n${list}`;
}
