import { openDatabase } from '../../../activities/ledger/database.ts';
import { checkAgainst } from '../../../activities/plan/resolve-policy.ts';
import type { Policy } from '../../../policy/policy.ts';
import { createDatabase } from '../database.ts';

/** Resolves a whole policy against a copy of a template, as a run would. Returns the names of its passes. */
export async function resolveAgainst(template: string, policy: Policy): Promise<string[]> {
  const copy = await createDatabase(template);
  const database = await openDatabase(copy.url);
  try {
    const names = policy.passes.map(({ name }) => name);
    const { passes } = await checkAgainst(database.session, policy, names, 'execute');
    return passes.map(({ pass }) => pass.name);
  } finally {
    await database.close();
    await copy.drop();
  }
}
