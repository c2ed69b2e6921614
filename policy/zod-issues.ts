import { z } from 'zod';

import type { Issue } from './issue.ts';

/** What is wrong with an option. `option` is its name as the person wrote it, `issues` are those of the value. */
type Describe = (option: string, value: unknown, issues: readonly z.core.$ZodIssue[]) => string;

/** The parameters of a refinement that reports an issue. */
interface IssueParams {
  readonly error: string;
  readonly params: { readonly describe: (path: readonly PropertyKey[]) => string };
}

/** A schema that reports one issue with this fix, whatever does not fit. */
export function withFix<T, Input>(
  schema: z.ZodType<T, Input>,
  fix: string,
  describe: Describe = (option, value) => `${option} is ${formatValue(value)}`,
): z.ZodType<T, Input> {
  const checked = z.unknown().transform((value, context): T => {
    const { success, data, error } = schema.safeParse(value);
    if (success) return data;
    const { params } = issueParams((option) => describe(option, value, error.issues), fix);
    // Without `continue` a refinement of the whole object would not run, and its issues would not be reported.
    context.addIssue({ code: 'custom', message: fix, params, input: value, continue: true });
    return value as T;
  });
  // Any value is taken; the type of the input is for schemas that follow one another.
  return checked as unknown as z.ZodType<T, Input>;
}

/** The parameters for a refinement of an object as a whole. */
export function issueParams(describe: (option: string) => string, fix: string): IssueParams {
  return { error: fix, params: { describe: (path) => describe(z.core.toDotPath(path)) } };
}

/** Adds issues that a function found to those of a schema. */
export function addIssues(context: z.core.$RefinementCtx, issues: readonly Issue[]): void {
  for (const { what, fix } of issues) {
    const { params } = issueParams(() => what, fix);
    context.addIssue({ code: 'custom', message: fix, params, continue: true });
  }
}

/** The `catchall` of an object that may have no other options. */
export function unknownOption(
  describe: (path: readonly PropertyKey[]) => string,
  fix: (key: string) => string,
): z.ZodType<never> {
  const error = ({ path }: z.core.$ZodRawIssue): string => fix(String(path?.at(-1)));
  // Without `abort: false` a refinement of the whole object would not run.
  return z.custom<never>(() => false, { error, params: { describe }, abort: false });
}

/** A schema that depends on the value. Unlike a union it reports the issues of one schema. */
export function chooseSchema(choose: (value: unknown) => z.ZodType): z.ZodType {
  return z.unknown().superRefine((value, context) => {
    const { error } = choose(value).safeParse(value);
    for (const issue of error?.issues ?? []) {
      context.issues.push({ ...issue, input: value, continue: true } as z.core.$ZodRawIssue);
    }
  });
}

/** Checks a value and returns everything that is wrong with it. `at` is where it stands. */
export function findIssues(schema: z.ZodType, value: unknown, at: string): Issue[] {
  return toIssues(schema.safeParse(value).error, () => at);
}

/** The issues of a schema as issues. `at` returns where an option stands. */
export function toIssues(error: z.ZodError | undefined, at: (option: PropertyKey) => string): Issue[] {
  return (error?.issues ?? []).map((issue) => ({
    at: at(issue.path[0] ?? ''),
    what: describeZodIssue(issue),
    fix: issue.message,
  }));
}

/** A value as a person wrote it. JSON has no word for NaN, Infinity and 5n; the text of a function is code. */
export function formatValue(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const hasNoJson = typeof value === 'number' || typeof value === 'bigint' || value === undefined;
  if (hasNoJson || typeof value === 'symbol') return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    // Something inside refers to itself, or has no JSON either.
    return Array.isArray(value) ? 'a list' : 'an object';
  }
}

function describeZodIssue(issue: z.core.$ZodIssue): string {
  const { path } = issue;
  if (issue.code === 'custom' && issue.params !== undefined) {
    return (issue.params as IssueParams['params']).describe(path);
  }
  const option = path.length === 0 ? 'it' : z.core.toDotPath(path);
  if (issue.code !== 'invalid_type') return `${option} cannot be used`;
  return `${option} is no ${issue.expected === 'array' ? 'list' : issue.expected}`;
}
