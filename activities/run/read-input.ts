import { z } from 'zod';

import { durationBetween, SECOND } from '../../policy/duration.ts';
import type { Issue } from '../../policy/issue.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import { formatValue, toIssues, unknownOption, withFix } from '../../policy/zod-issues.ts';
import type { RunMode } from '../contract.ts';
import type { StoredLimits } from '../stored/run.ts';
import { checkNarrowing, narrow } from './narrow-limits.ts';

const OPTIONS = {
  policy: option(z.string(), 'Use the name of a policy').optional(),
  mode: option(z.enum(['execute', 'preview']), "Use 'execute' or 'preview'").optional(),
  passes: option(
    z.array(z.string()).min(1),
    'Use a list with names of passes, or leave it out for all of them',
  ).optional(),
  ifBusy: option(z.enum(['skip', 'wait', 'fail']), "Use 'skip', 'wait' or 'fail'").optional(),
  maxRows: option(z.int().min(1), 'Use a whole number of at least 1, or leave it out').optional(),
  maxDuration: withFix(
    durationBetween(SECOND),
    "Say it like '2 hours', or leave it out",
    (name, value) => `${name} ${formatValue(value)} is no duration of at least a second`,
  ).optional(),
};

const KEYS = Object.keys(OPTIONS).join(', ');

const Options = z.object(OPTIONS, { error: `Use an object with ${KEYS}, or nothing` });
const Input = Options.catchall(
  unknownOption(
    (path) => `it has ${JSON.stringify(path.at(-1))}, which no run understands`,
    () => `Use only ${KEYS}`,
  ),
);

/** The options of a refused input that have the right shape, so that their other issues are reported as well. */
const ReadableInput = z.object({
  policy: OPTIONS.policy.catch(undefined),
  passes: OPTIONS.passes.catch(undefined),
  maxRows: OPTIONS.maxRows.catch(undefined),
  maxDuration: OPTIONS.maxDuration.catch(undefined),
});

/** What a run was asked to do, looked up among the policies of the worker. */
export interface RunRequest {
  readonly policy: Policy;
  readonly mode: RunMode;
  /** The passes to run, in the policy's order. */
  readonly passes: readonly string[];
  readonly ifBusy: 'skip' | 'wait' | 'fail';
  readonly limits: StoredLimits;
}

/**
 * Reads the input of a run. This is the border of trust: whoever may start workflows wrote it. Throws one
 * `ValidationError` with everything that is wrong.
 */
export function readInput(input: unknown, policies: readonly Policy[]): RunRequest {
  const parsed = Input.safeParse(input ?? {});
  const issues = toIssues(parsed.error, () => 'input');
  const options: z.output<typeof Options> = parsed.data ?? ReadableInput.safeParse(input).data ?? {};
  const policy = findPolicy(options.policy, policies, issues);
  if (policy !== undefined) checkPasses(options.passes, policy, issues);
  if (policy !== undefined) issues.push(...checkNarrowing(options, policy.limits));
  if (issues.length > 0 || policy === undefined) throw new ValidationError('the input of the run', issues);
  return {
    policy,
    mode: options.mode ?? 'execute',
    passes: policy.passes
      .map((pass) => pass.name)
      .filter((name) => options.passes === undefined || options.passes.includes(name)),
    ifBusy: options.ifBusy ?? 'skip',
    limits: narrow(policy.limits, options),
  };
}

function findPolicy(
  name: string | undefined,
  policies: readonly Policy[],
  issues: Issue[],
): Policy | undefined {
  const known = policies.map((policy) => policy.name).join(', ');
  if (name === undefined) {
    if (policies.length === 1) return policies[0];
    const fix = `Say policy: with one of ${known}`;
    issues.push({ at: 'input', what: `it names no policy, and this worker has ${policies.length}`, fix });
    return undefined;
  }
  const policy = policies.find((candidate) => candidate.name === name);
  if (policy === undefined) {
    const what = `policy names ${JSON.stringify(name)}, which this worker does not have`;
    issues.push({ at: 'input', what, fix: `Use one of ${known}` });
  }
  return policy;
}

function checkPasses(names: readonly string[] | undefined, policy: Policy, issues: Issue[]): void {
  const known = policy.passes.map((pass) => pass.name);
  for (const name of names ?? []) {
    if (known.includes(name)) continue;
    const what = `passes names ${JSON.stringify(name)}, which policy ${policy.name} does not have`;
    issues.push({ at: 'input', what, fix: `Use some of ${known.join(', ')}` });
  }
}

/** An option whose value is not repeated: whoever reads the failure need not be who wrote the input. */
function option<T>(schema: z.ZodType<T>, fix: string): z.ZodType<T> {
  return withFix(schema, fix, (name) => `${name} cannot be used`);
}
