import { z } from 'zod';

import type { Mistake } from '../../policy/mistake.ts';
import { MistakesError } from '../../policy/mistake.ts';
import type { Policy } from '../../policy/policy.ts';
import type { RunMode } from '../contract.ts';
import type { FrozenLimits } from '../ledger/runs.ts';
import { checkNarrowing, narrow } from './narrow.ts';

const Input = z.strictObject({
  policy: z.string().optional(),
  mode: z.enum(['execute', 'preview']).optional(),
  passes: z.array(z.string()).min(1).optional(),
  ifBusy: z.enum(['skip', 'wait', 'fail']).optional(),
  maxRows: z.number().int().min(1).optional(),
  maxDuration: z.union([z.string(), z.number()]).optional(),
});

const KEYS = Object.keys(Input.shape).join(', ');

const FIXES: Readonly<Record<keyof typeof Input.shape, string>> = {
  policy: 'Use the name of a policy',
  mode: "Use 'execute' or 'preview'",
  passes: 'Use a list with names of passes, or leave it out for all of them',
  ifBusy: "Use 'skip', 'wait' or 'fail'",
  maxRows: 'Use a whole number of at least 1, or leave it out',
  maxDuration: "Say it like '2 hours', or leave it out",
};

/** What a run was asked to do, looked up among the policies of the worker. */
export interface RunRequest {
  readonly policy: Policy;
  readonly mode: RunMode;
  /** The passes to run, in the policy's order. */
  readonly passes: readonly string[];
  readonly ifBusy: 'skip' | 'wait' | 'fail';
  readonly limits: FrozenLimits;
}

/**
 * Reads the input of a run. This is the border of trust: whoever may start workflows wrote it. Throws one
 * `MistakesError` with everything that is wrong.
 */
export function readInput(input: unknown, policies: readonly Policy[]): RunRequest {
  const parsed = Input.safeParse(input ?? {});
  const mistakes: Mistake[] = parsed.success ? [] : parsed.error.issues.map(sayIssue);
  const loose = parsed.success ? parsed.data : looseInput(input);
  const policy = findPolicy(loose.policy, policies, mistakes);
  if (policy !== undefined) checkPasses(loose.passes, policy, mistakes);
  if (policy !== undefined) mistakes.push(...checkNarrowing(loose, policy.limits));
  if (mistakes.length > 0 || policy === undefined) throw new MistakesError('the input of the run', mistakes);
  return {
    policy,
    mode: loose.mode ?? 'execute',
    passes: policy.passes
      .map((pass) => pass.name)
      .filter((name) => loose.passes === undefined || loose.passes.includes(name)),
    ifBusy: loose.ifBusy ?? 'skip',
    limits: narrow(policy.limits, loose),
  };
}

/** The parts of a refused input that have the right shape, so that their mistakes are reported as well. */
function looseInput(input: unknown): z.infer<typeof Input> {
  if (typeof input !== 'object' || input === null) return {};
  const fields = input as Record<string, unknown>;
  const policy = Input.shape.policy.safeParse(fields['policy']);
  const passes = Input.shape.passes.safeParse(fields['passes']);
  const maxRows = Input.shape.maxRows.safeParse(fields['maxRows']);
  const maxDuration = Input.shape.maxDuration.safeParse(fields['maxDuration']);
  return {
    ...(policy.success ? { policy: policy.data } : {}),
    ...(passes.success ? { passes: passes.data } : {}),
    ...(maxRows.success ? { maxRows: maxRows.data } : {}),
    ...(maxDuration.success ? { maxDuration: maxDuration.data } : {}),
  };
}

function findPolicy(
  name: string | undefined,
  policies: readonly Policy[],
  mistakes: Mistake[],
): Policy | undefined {
  const known = policies.map((policy) => policy.name).join(', ');
  if (name === undefined) {
    if (policies.length === 1) return policies[0];
    const fix = `Say policy: with one of ${known}`;
    mistakes.push({ at: 'input', what: `it names no policy, and this worker has ${policies.length}`, fix });
    return undefined;
  }
  const policy = policies.find((candidate) => candidate.name === name);
  if (policy === undefined) {
    const what = `policy names ${JSON.stringify(name)}, which this worker does not have`;
    mistakes.push({ at: 'input', what, fix: `Use one of ${known}` });
  }
  return policy;
}

function checkPasses(names: readonly string[] | undefined, policy: Policy, mistakes: Mistake[]): void {
  const known = policy.passes.map((pass) => pass.name);
  for (const name of names ?? []) {
    if (known.includes(name)) continue;
    const what = `passes names ${JSON.stringify(name)}, which policy ${policy.name} does not have`;
    mistakes.push({ at: 'input', what, fix: `Use some of ${known.join(', ')}` });
  }
}

function sayIssue(issue: z.core.$ZodIssue): Mistake {
  const path = issue.path.join('.');
  const [option] = issue.path;
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => JSON.stringify(key)).join(', ');
    return { at: 'input', what: `it has ${keys}, which no run understands`, fix: `Use only ${KEYS}` };
  }
  if (!isOption(option)) {
    return { at: 'input', what: 'it is no object', fix: `Use an object with ${KEYS}, or nothing` };
  }
  return { at: 'input', what: `${path} cannot be used: ${issue.message}`, fix: FIXES[option] };
}

function isOption(word: unknown): word is keyof typeof FIXES {
  return typeof word === 'string' && Object.hasOwn(FIXES, word);
}
