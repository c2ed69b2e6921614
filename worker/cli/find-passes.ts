import type { VacuumInput } from '../../activities/contract.ts';
import { readInput } from '../../activities/run/input.ts';
import { checkPolicy } from '../../policy/check.ts';
import type { Mistake } from '../../policy/mistake.ts';
import { MistakesError, refuseMistakes } from '../../policy/mistake.ts';
import type { Policy } from '../../policy/policy.ts';

/**
 * Reads what a person asks of a policy and answers the passes to run. Throws one `MistakesError` with everything that
 * can be known to be wrong without the database, in the policy and in the request.
 */
export function findPasses(policy: Policy, input: VacuumInput): readonly string[] {
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
