import type { Database } from '../../activities/ledger/database.ts';
import type { Ledger } from '../../activities/ledger/ledger.ts';
import { readHistory } from '../../activities/ledger/reports.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { PastSetup } from '../setup.ts';
import { DatabaseUnreachable, withMigrated, withOnlyDatabase } from './database.ts';

/**
 * Works with the database of a policy, or with the only one, for a command about the past. A policy that was removed from the
 * configuration is known if the ledger has it. Throws a `ValidationError` with the nearest name if neither does, or if the
 * ledger cannot be asked.
 */
export async function withPastDatabase<T>(
  { setup, policy, unknown }: PastSetup,
  database: string | undefined,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (unknown === undefined || policy === undefined)
    return withOnlyDatabase(setup, { database, policy }, work);
  const names = Object.keys(setup.databases);
  if (database === undefined && names.length > 1) throw askForDatabase(unknown, names);
  try {
    return await withOnlyDatabase(setup, { database }, async (opened) => {
      if (!(await hasPast(opened.ledger, policy))) throw unknown;
      return work(opened);
    });
  } catch (error) {
    throw error instanceof DatabaseUnreachable ? unknown : error;
  }
}

async function hasPast(ledger: Ledger, policy: string): Promise<boolean> {
  return withMigrated(ledger, false, async ({ session }) => {
    const runs = await readHistory(ledger, { policy, limit: 1 });
    return runs.length > 0 || (await session.ledger.guards.read(policy)) !== undefined;
  });
}

function askForDatabase({ subject, issues }: ValidationError, names: readonly string[]): ValidationError {
  const removed = `. If it was removed from the configuration, name its database with --database: ${names.join(', ')}`;
  return new ValidationError(
    subject,
    issues.map((issue) => ({ ...issue, fix: `${issue.fix}${removed}` })),
  );
}
