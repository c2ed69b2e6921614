import { sql } from 'kysely';

import type { Ledger } from './ledger.ts';

/** Rows that a run has deleted in all tables, and the milliseconds since it began, by the database's clock. */
export async function readSpent(ledger: Ledger, run: number): Promise<{ rows: number; millis: number }> {
  const { rows } = await sql<{ rows: number; millis: number }>`
    select
      (select coalesce(sum(rows), 0) from ${ledger.table('batch')} where run_id = ${run}) as rows,
      (1000 * extract(epoch from clock_timestamp() - started_at))::float8 as millis
    from ${ledger.table('run')}
    where id = ${run}`.execute(ledger.db);
  return rows[0] ?? { rows: 0, millis: 0 };
}
