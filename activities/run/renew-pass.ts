import { ApplicationFailure } from '@temporalio/common';

import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../ledger/open-database.ts';
import { checkAgainst } from '../plan/resolve-policy.ts';
import { hashFound } from '../plan/settings-hash.ts';
import type { OpenRun } from '../stored/run.ts';
import type { BatchShard } from './batch.ts';
import { FAILURE } from './failure.ts';

/**
 * After a batch failed since the schema changed: looks up the pass anew, and returns it with what the tables are by now if
 * it finds the same as the run started with, by which the same rows are deleted. Most changes are of that kind. Throws the
 * error of the batch if it finds anything else, and any error of another kind.
 */
export async function renewPass<A extends BatchShard>(
  { session }: Pick<Database, 'session'>,
  policy: Policy | undefined,
  { settings }: Pick<OpenRun, 'settings'>,
  at: A,
  error: unknown,
): Promise<A> {
  if (!(error instanceof ApplicationFailure) || error.type !== FAILURE.changed || policy === undefined)
    throw error;
  const names = settings.plan.passes.map(({ name }) => name);
  const resolved = await checkAgainst(session, policy, names, 'execute').catch((reason: unknown) => {
    throw reason instanceof ValidationError ? error : reason;
  });
  const found = resolved.passes.find(({ pass }) => pass.name === at.passName)?.stored;
  if (found?.fingerprint === undefined || hashFound(found) !== hashFound(at.stored)) throw error;
  await session.ledger.runs.storeFingerprint(at.key.run, at.key.pass, found.fingerprint);
  return { ...at, stored: { ...at.stored, fingerprint: found.fingerprint } };
}
