import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../sql/names.ts';
import type { Tx } from '../sql/transaction.ts';
import { inTransaction } from '../sql/transaction.ts';
import type { Ledger } from './ledger.ts';
import { addNotes } from './notes.ts';

/** What gives space back, and for whom. */
export interface ReclaimKey {
  readonly run: number;
  readonly pass: number;
  readonly table: TableName;
  readonly mode: string;
}

/**
 * How a statement ended. `interrupted`: its worker or its server went away; `cancelled`: somebody ended it; `locked`:
 * others held the table; `closed`: its hours were over; `failed`: the database refused.
 */
export type ReclaimOutcome = 'done' | 'interrupted' | 'cancelled' | 'locked' | 'closed' | 'failed';

/** Writes into the journal, before its statement, that a session begins to work on a table. */
export async function writeStarted(
  session: Kysely<unknown>,
  ledger: Ledger,
  { run, pass, table, mode }: ReclaimKey,
  bytes: number,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    insert into ${ledger.table('reclaim')} (run_id, pass, label, mode, event, bytes, pid, backend_start)
    select ${run}, ${pass}, ${table.label}, ${mode}, 'started', ${bytes}, a.pid, a.backend_start
    from pg_stat_activity as a
    where a.pid = pg_backend_pid()
    returning id`.execute(session);
  return rows[0]?.id ?? 0;
}

/** Writes into the journal how it ended. One that has an end keeps it. */
export async function writeEnded(
  db: Kysely<unknown>,
  ledger: Ledger,
  started: number,
  outcome: ReclaimOutcome,
  bytes: number | null,
): Promise<void> {
  await sql`
    insert into ${ledger.table('reclaim')} (run_id, pass, label, mode, event, started_id, outcome, bytes)
    select run_id, pass, label, mode, 'ended', id, ${outcome}, ${bytes}::float8
    from ${ledger.table('reclaim')}
    where id = ${started}
    on conflict (started_id) do nothing`.execute(db);
}

/**
 * Finds what was started and has no end, in a run or in runs of its policy that are over: its worker or the server
 * was killed. Each is ended in the journal and said among the notes of the run, once.
 */
export async function noteInterrupted(ledger: Ledger, run: number): Promise<void> {
  await inTransaction(ledger.db, { lockMillis: 10_000, statementMillis: 30_000 }, async (tx) => {
    for (const found of await endInterrupted(tx, ledger, run)) {
      const whose = found.run === run ? '' : ` of run ${found.run}`;
      await addNotes(tx, ledger, run, [
        {
          what:
            `pass ${found.name}${whose} was interrupted at one table; the database undid or kept what it had done, ` +
            'and no row is lost. The next time does it again',
          here: `${found.mode} of table ${found.label}, begun ${found.at}`,
        },
      ]);
    }
  });
}

interface Interrupted {
  readonly run: number;
  readonly name: string;
  readonly label: string;
  readonly mode: string;
  readonly at: string;
}

async function endInterrupted(tx: Tx, ledger: Ledger, run: number): Promise<Interrupted[]> {
  const { rows } = await sql<Interrupted>`
    with found as (
      select s.id, s.run_id, s.pass, s.label, s.mode, s.at, p.name
      from ${ledger.table('run')} as own
      join ${ledger.table('run')} as r on r.id = own.id or (r.policy = own.policy and r.ended_at is not null)
      join ${ledger.table('reclaim')} as s on s.run_id = r.id and s.event = 'started'
      join ${ledger.table('pass')} as p on p.run_id = s.run_id and p.ordinal = s.pass
      where own.id = ${run}
        and not exists (select from ${ledger.table('reclaim')} as e where e.started_id = s.id)
    ),
    ended as (
      insert into ${ledger.table('reclaim')} (run_id, pass, label, mode, event, started_id, outcome)
      select run_id, pass, label, mode, 'ended', id, 'interrupted'
      from found
      on conflict (started_id) do nothing
      returning started_id
    )
    select f.run_id as run, f.name, f.label, f.mode, to_json(f.at) #>> '{}' as at
    from found as f
    join ended as e on e.started_id = f.id
    order by f.id`.execute(tx);
  return rows;
}

/** Whether batches of a run so far deleted rows of a table. */
export async function hasDeletedFrom(ledger: Ledger, run: number, label: string): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    select exists (
      select from ${ledger.table('batch')}
      where run_id = ${run} and deleted ? ${label}
    ) as has`.execute(ledger.db);
  return rows[0]?.has === true;
}
