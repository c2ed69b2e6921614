import type { VacuumInput } from '../activities/contract.ts';
import type { Database } from '../activities/ledger/database.ts';
import { checkAgainst } from '../activities/plan/resolve-policy.ts';
import type { Issue } from '../policy/issue.ts';
import { ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import { selectPasses } from './select-passes.ts';

/** Opens the database of a policy for some work. */
type WithDatabase = (work: (database: Database) => Promise<unknown>) => Promise<unknown>;

/**
 * Does the same as {@link selectPasses}, but also asks the database before it throws: so that a person reads all mistakes of
 * a policy at once, and not those in its names after the others are corrected.
 */
export async function selectPassesWith(
  policy: Policy,
  input: VacuumInput,
  withDatabase: WithDatabase,
): Promise<readonly string[]> {
  try {
    return selectPasses(policy, input);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const lines = new Set(error.issues.map((issue) => JSON.stringify(issue)));
    const more = await findMistakes(policy, withDatabase);
    throw new ValidationError(error.subject, [
      ...error.issues,
      ...more.filter((issue) => !lines.has(JSON.stringify(issue))),
    ]);
  }
}

/** What is wrong in a policy and in its names; nothing if the database cannot be asked. */
async function findMistakes(policy: Policy, withDatabase: WithDatabase): Promise<readonly Issue[]> {
  const passes = policy.passes.map(({ name }) => name);
  try {
    await withDatabase(async ({ session }) => checkAgainst(session, policy, passes, 'preview'));
  } catch (error) {
    if (error instanceof ValidationError) return error.issues;
  }
  return [];
}
