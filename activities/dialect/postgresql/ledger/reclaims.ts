import { sql } from 'kysely';

import type { InterruptedReclaim, ReclaimOutcome } from '../../../stored/reclaim.ts';
import type { ReclaimStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

/** The journal of statements that give space back. */
export class PostgresReclaimStore extends LedgerPart implements ReclaimStore {
  async recordEnd(started: number, outcome: ReclaimOutcome, bytes: number | null): Promise<void> {
    await sql`
      insert into ${this.table('reclaim')} (run_id, pass, label, mode, event, started_id, outcome, bytes)
      select run_id, pass, label, mode, 'ended', id, ${outcome}, ${bytes}::float8
      from ${this.table('reclaim')}
      where id = ${started}
      on conflict (started_id) do nothing`.execute(this.db);
  }

  async endInterrupted(run: number): Promise<InterruptedReclaim[]> {
    const { rows } = await sql<InterruptedReclaim>`
      with found as (
        select s.id, s.run_id, s.pass, s.label, s.mode, s.at, p.name
        from ${this.table('run')} as own
        join ${this.table('run')} as r on r.id = own.id or (r.policy = own.policy and r.ended_at is not null)
        join ${this.table('reclaim')} as s on s.run_id = r.id and s.event = 'started'
        join ${this.table('pass')} as p on p.run_id = s.run_id and p.ordinal = s.pass
        where own.id = ${run}
          and not exists (select from ${this.table('reclaim')} as e where e.started_id = s.id)
      ),
      ended as (
        insert into ${this.table('reclaim')} (run_id, pass, label, mode, event, started_id, outcome)
        select run_id, pass, label, mode, 'ended', id, 'interrupted'
        from found
        on conflict (started_id) do nothing
        returning started_id
      )
      select f.run_id as run, f.name, f.label, f.mode, to_json(f.at) #>> '{}' as at
      from found as f
      join ended as e on e.started_id = f.id
      order by f.id`.execute(this.db);
    return rows;
  }
}
