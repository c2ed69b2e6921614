import type { VacuumInput } from '../activities/contract.ts';
import { readInput } from '../activities/run/read-input.ts';
import { checkPolicy } from '../policy/check.ts';
import type { Issue } from '../policy/issue.ts';
import { ValidationError, assertValid } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';

/**
 * Returns the names of the passes that a request selects from a policy. Throws one `ValidationError` with everything that
 * is wrong in the policy and in the request, as far as this can be known without the database.
 */
export function selectPasses(policy: Policy, input: VacuumInput): readonly string[] {
  const issues: Issue[] = checkPolicy(policy);
  let passes: readonly string[] = [];
  try {
    ({ passes } = readInput(input, [policy]));
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    issues.unshift(...error.issues);
  }
  assertValid(`policy ${JSON.stringify(policy.name)}`, issues);
  return passes;
}
