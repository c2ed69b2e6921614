import { createHash } from 'node:crypto';

import { displayUrl } from '../activities/dialect/choose-dialect.ts';
import { Databases } from '../activities/ledger/databases.ts';
import { ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import type { Setup, SetupOptions } from './setup.ts';
import { findSetup } from './setup.ts';

/**
 * Finds databases and policies for a command that works without a database as well. Without one, the databases of the setup
 * cannot be opened.
 */
export async function findSetupWithoutDatabase(
  options: SetupOptions,
  policy?: string,
): Promise<{ readonly setup: Setup; readonly hasDatabase: boolean }> {
  try {
    return { setup: await findSetup(options, policy), hasDatabase: true };
  } catch (error) {
    if (!(error instanceof ValidationError) || options.url !== undefined) throw error;
    const setup = await findSetup({ ...options, url: 'postgresql://unused' }, policy);
    return { setup, hasDatabase: false };
  }
}

/**
 * A hash of host, port and name of the database of a policy, by which a schedule knows its environment: Temporal gets no part
 * of a URL. Undefined if the database is not given as a URL.
 */
export async function hashEnvironment({ databases }: Setup, policy: Policy): Promise<string | undefined> {
  const source = databases[new Databases(databases).nameFor(policy)];
  const given: unknown = typeof source === 'function' ? await source() : source;
  if (typeof given !== 'string' || given === '') return undefined;
  return createHash('sha256')
    .update(`temporal-vacuum ${displayUrl(given)}`)
    .digest('hex')
    .slice(0, 16);
}
