import { setTimeout as sleep } from 'node:timers/promises';

import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { Ledger } from '../ledger/ledger.ts';
import type { ReclaimKey } from '../ledger/reclaims.ts';
import { qualifiedName } from '../sql/names.ts';

/** How long to leave whoever works on the table before looking again, in milliseconds. */
const WAIT = 500;

/**
 * Waits until this session is the only one of ours that works on a table, and stays it until the session is put back.
 *
 * A session of an earlier attempt is ended: Temporal has given it up, or its run is closed, and its statement may go on
 * for hours without a client. One of another open run is waited for.
 */
export async function becomeAlone(
  session: Kysely<unknown>,
  ledger: Ledger,
  { run, table }: ReclaimKey,
  signal: AbortSignal,
): Promise<void> {
  const words = ledger.lockWords('reclaim', qualifiedName(table));
  for (;;) {
    signal.throwIfAborted();
    const { rows } = await sql<{ alone: boolean }>`
      select pg_try_advisory_lock(hashtextextended(${words}, 0)) as alone`.execute(session);
    if (rows[0]?.alone === true) return;
    await endEarlierAttempts(session, ledger, run, words);
    await sleep(WAIT);
  }
}

async function endEarlierAttempts(
  session: Kysely<unknown>,
  ledger: Ledger,
  run: number,
  words: string,
): Promise<void> {
  await sql`
    select pg_terminate_backend(a.pid)
    from (select hashtextextended(${words}, 0) as key) as k
    join pg_locks as l
      on l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and l.classid::bigint = (k.key >> 32) & 4294967295 and l.objid::bigint = k.key & 4294967295
    join pg_stat_activity as a on a.pid = l.pid and a.datname = current_database()
    cross join lateral (
      select s.run_id
      from ${ledger.table('reclaim')} as s
      where s.pid = a.pid and s.backend_start = a.backend_start
      order by s.id desc
      limit 1
    ) as own
    join ${ledger.table('run')} as r on r.id = own.run_id
    where l.database = (select oid from pg_database where datname = current_database())
      and (r.id = ${run} or r.ended_at is not null)`.execute(session);
}
