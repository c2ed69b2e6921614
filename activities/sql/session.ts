import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { TransactionLimits } from './transaction.ts';

/**
 * For a client that is gone the server ends its statement after so long. Nothing else would: a statement that answers
 * nothing until its end never notices.
 */
const CHECK_CLIENT = '2s';

/** What a session of ours sets, to be put back when it goes back to a pool that is not ours. */
const SETTINGS = [
  'lock_timeout',
  'statement_timeout',
  'idle_session_timeout',
  'client_connection_check_interval',
] as const;

/**
 * Runs work on one session, outside of any transaction: for the few statements that cannot be in one. Behind a pooler
 * that hands out transactions there is no such thing as a session, and they fail or lose their limits.
 */
export async function inSession<T>(
  db: Kysely<unknown>,
  work: (session: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  return db.connection().execute(async (session) => {
    const { rows: before } = await sql<{ name: string; value: string }>`
      select name, current_setting(name) as value
      from unnest(${[...SETTINGS]}::text[]) as name`.execute(session);
    try {
      await sql`select set_config('idle_session_timeout', '0', false)`.execute(session);
      // Not every operating system can tell the server.
      await sql`select set_config('client_connection_check_interval', ${CHECK_CLIENT}, false)`
        .execute(session)
        .catch(() => undefined);
      return await work(session);
    } finally {
      // A session that was lost has nothing to put back, and its pool lets go of it.
      await putBack(session, before).catch(() => undefined);
    }
  });
}

/** The limits of the next statements of a session. 0 is no limit. */
export async function limitSession(
  session: Kysely<unknown>,
  { lockMillis, statementMillis }: TransactionLimits,
): Promise<void> {
  await sql`
    select
      set_config('lock_timeout', ${`${Math.round(lockMillis)}ms`}, false),
      set_config('statement_timeout', ${`${Math.round(statementMillis)}ms`}, false)`.execute(session);
}

async function putBack(
  session: Kysely<unknown>,
  settings: readonly { readonly name: string; readonly value: string }[],
): Promise<void> {
  await sql`
    select set_config(s.name, s.value, false), pg_advisory_unlock_all()
    from unnest(
      ${settings.map(({ name }) => name)}::text[],
      ${settings.map(({ value }) => value)}::text[]) as s(name, value)`.execute(session);
}
