import { describeDatabaseError } from '../../activities/dialect/database-error.ts';
import { listenToLockWaits } from '../../activities/dialect/lock-waits.ts';
import { readDatabaseError } from '../../activities/dialect/read-error.ts';
import type { Database } from '../../activities/ledger/database.ts';
import { Databases } from '../../activities/ledger/databases.ts';
import type { Ledger } from '../../activities/ledger/ledger.ts';
import { assertSupported } from '../../activities/plan/supported.ts';
import { ValidationError, assertValid } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Setup } from '../setup.ts';
import { note } from './output.ts';

/** The database does not respond, or refuses this user. */
export class DatabaseUnreachable extends Error {
  override readonly name = 'DatabaseUnreachable';

  constructor(displayName: string, error: unknown) {
    const database = readDatabaseError(error);
    const reason =
      database === undefined
        ? error instanceof Error
          ? error.message
          : String(error)
        : describeDatabaseError(database);
    super(`cannot work with ${displayName}: ${reason}`);
  }
}

/** Opens the database of a policy, checks that it responds, and closes it after the work. */
export async function withDatabase<T>(
  setup: Setup,
  policy: Policy,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const databases = new Databases(setup.databases, setup.ledgerSchema);
  assertValid(`policy ${JSON.stringify(policy.name)}`, databases.check(policy));
  return withNamed(setup, databases, databases.nameFor(policy), work);
}

/** The database that a command works with: one with a name, that of a policy, or the only one. */
interface DatabaseChoice {
  readonly database?: string | undefined;
  readonly policy?: string | undefined;
}

/** Does the same for the database with a name, for that of a policy, or for the only one. */
export async function withOnlyDatabase<T>(
  setup: Setup,
  { database, policy }: DatabaseChoice,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const name = database ?? setup.policies.find((known) => known.name === policy)?.database;
  const names = Object.keys(setup.databases);
  const only = name ?? (names.length === 1 ? names[0] : undefined);
  if (only === undefined || !names.includes(only)) {
    const fix = names.length === 0 ? 'Declare one' : `Name one of ${names.join(', ')} with --database`;
    const many = names.length === 0 ? 'there is none' : 'there are several';
    const what = name === undefined ? many : `there is no database ${JSON.stringify(name)}`;
    throw new ValidationError('command', [{ at: '--database', what, fix }]);
  }
  return withNamed(setup, new Databases(setup.databases, setup.ledgerSchema), only, work);
}

/** Does the same for its ledger, migrated to our version. Returns `none` if there is no ledger, and creates none. */
export async function withOnlyLedger<T>(
  setup: Setup,
  choice: DatabaseChoice,
  none: T,
  work: (ledger: Ledger) => Promise<T>,
): Promise<T> {
  return withOnlyDatabase(setup, choice, async ({ ledger }) => withMigrated(ledger, none, work));
}

/** Works with a ledger that is migrated to our version. Returns `none` if there is no ledger, and creates none. */
export async function withMigrated<T>(
  ledger: Ledger,
  none: T,
  work: (ledger: Ledger) => Promise<T>,
): Promise<T> {
  if ((await ledger.version()) === 'missing') return none;
  await ledger.migrate();
  return work(ledger);
}

async function withNamed<T>(
  setup: Setup,
  databases: Databases,
  name: string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  try {
    const database = await databases.named(name);
    try {
      await database.session.facts.readClock();
    } catch (error) {
      // What can never be used says itself what to do.
      if (error instanceof ValidationError) throw error;
      throw new DatabaseUnreachable(setup.displayName, error);
    }
    await assertSupported(database.session);
    return await listenToLockWaits(note, async () => work(database));
  } finally {
    await databases.close();
  }
}
