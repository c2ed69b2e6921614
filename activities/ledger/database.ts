import type { GivenDatabase } from '../dialect/choose-dialect.ts';
import { openSession } from '../dialect/choose-dialect.ts';
import type { Session } from '../dialect/dialect.ts';
import { Ledger, LEDGER_SCHEMA } from './ledger.ts';

export type { GivenDatabase };

/** How a worker is given a database: a URL, a pool of `pg`, a MikroORM instance, or a function that makes one. */
export type DatabaseSource = GivenDatabase | (() => GivenDatabase | Promise<GivenDatabase>);

/** A database that policies clean, with its ledger. */
export interface Database {
  readonly session: Session;
  readonly ledger: Ledger;
  close(): Promise<void>;
}

/** Sessions of one worker: two shards of a few policies, the ledger and what cancels them. */
const MAX_SESSIONS = 10;

/**
 * Opens a database. Connects only when it is first used. `maxSessions` is for one that is given as a URL: a pool that is
 * given has limits of its own.
 */
export async function openDatabase(
  source: DatabaseSource,
  ledgerSchema = LEDGER_SCHEMA,
  maxSessions = MAX_SESSIONS,
): Promise<Database> {
  const given = typeof source === 'function' ? await source() : source;
  const opened = openSession(given, ledgerSchema, maxSessions);
  return { ...opened, ledger: new Ledger(opened.session, ledgerSchema) };
}
