import { createHash } from 'node:crypto';

import { displayUrl } from '../activities/dialect/open.ts';
import { Databases } from '../activities/ledger/databases.ts';
import { ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import type { Setup, SetupOptions } from './setup.ts';
import { findSetup } from './setup.ts';

/** For commands that need policies and no database. */
const NO_URL = 'postgresql://unused';

/** Finds databases and policies for a command that works without a database as well. */
export async function findSetupWithoutDatabase(options: SetupOptions, policy?: string): Promise<Setup> {
  try {
    return await findSetup(options, policy);
  } catch (error) {
    if (!(error instanceof ValidationError) || options.url !== undefined) throw error;
    return findSetup({ ...options, url: NO_URL }, policy);
  }
}

/**
 * A hash of host, port and name of the database of a policy, by which a schedule knows its environment: Temporal gets no part
 * of a URL. Undefined if the database is not given as a URL.
 */
export async function hashEnvironment({ databases }: Setup, policy: Policy): Promise<string | undefined> {
  const source = databases[new Databases(databases).nameFor(policy)];
  const given: unknown = typeof source === 'function' ? await source() : source;
  if (typeof given !== 'string' || given === '' || given === NO_URL) return undefined;
  return createHash('sha256')
    .update(`temporal-vacuum ${displayUrl(given)}`)
    .digest('hex')
    .slice(0, 16);
}
