import type { VacuumInput } from '../activities/contract.ts';
import { readInput } from '../activities/run/input.ts';
import { checkPolicy } from '../policy/check.ts';
import type { Mistake } from '../policy/mistake.ts';
import { MistakesError, refuseMistakes } from '../policy/mistake.ts';
import type { Policy } from '../policy/policy.ts';

/**
 * Returns the names of the passes that a request selects from a policy. Throws one `MistakesError` with everything that
 * is wrong in the policy and in the request, as far as this can be known without the database.
 */
export function selectPasses(policy: Policy, input: VacuumInput): readonly string[] {
  const mistakes: Mistake[] = checkPolicy(policy);
  let passes: readonly string[] = [];
  try {
    ({ passes } = readInput(input, [policy]));
  } catch (error) {
    if (!(error instanceof MistakesError)) throw error;
    mistakes.unshift(...error.mistakes);
  }
  refuseMistakes(`policy ${JSON.stringify(policy.name)}`, mistakes);
  return passes;
}
