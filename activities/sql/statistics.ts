import { sql } from 'kysely';

import type { Tx } from './transaction.ts';

/**
 * Lets the server's statistics have what this session did when the transaction commits. By itself a session tells them
 * once a second, and the rest when it has been idle for ten; whoever measures after the last batch would see no dead
 * rows. PostgreSQL 14 cannot be asked.
 */
export async function flushStatistics(tx: Tx): Promise<void> {
  const { rows } = await sql<{ can: boolean }>`
    select current_setting('server_version_num')::int >= 150000 as can`.execute(tx);
  if (rows[0]?.can === true) await sql`select pg_stat_force_next_flush()`.execute(tx);
}
