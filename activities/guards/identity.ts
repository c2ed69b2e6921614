import { sql } from 'kysely';

import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { tryAndUndo } from '../sql/transaction.ts';

/** Which database it is, by what a restore from a backup changes and a move of the files or a promotion does not. */
export interface Identity {
  /** Of the server; null where the role may not know. */
  readonly systemIdentifier: string | null;
  readonly databaseOid: string;
}

/** Asks the database which it is. */
export async function readIdentity(tx: Tx): Promise<Identity> {
  const { rows } = await sql<{ oid: string }>`
    select oid::text as oid from pg_database where datname = current_database()`.execute(tx);
  return { systemIdentifier: await readSystem(tx), databaseOid: rows[0]?.oid ?? '' };
}

/** A managed server may not tell. */
async function readSystem(tx: Tx): Promise<string | null> {
  try {
    const { rows } = await tryAndUndo(tx, async () =>
      sql<{ id: string }>`select system_identifier::text as id from pg_control_system()`.execute(tx),
    );
    return rows[0]?.id ?? null;
  } catch (error) {
    if (readDatabaseError(error)?.verdict !== 'stop') throw error;
    return null;
  }
}

/** How the database differs from the one that was seen, in sentences for people. */
export function compareIdentity(
  seen: { readonly [K in keyof Identity]: string | null },
  now: Identity,
): string[] {
  if (
    seen.systemIdentifier !== null &&
    now.systemIdentifier !== null &&
    seen.systemIdentifier !== now.systemIdentifier
  ) {
    return ['the database is on another server than at the last run, as after restoring a backup'];
  }
  if (seen.databaseOid === null || seen.databaseOid === now.databaseOid) return [];
  return ['the database was made anew since the last run, as after restoring a backup'];
}
