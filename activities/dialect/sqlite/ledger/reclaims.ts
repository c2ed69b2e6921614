import { sql } from 'kysely';

import type { InterruptedReclaim, ReclaimOutcome } from '../../../stored/reclaim.ts';
import type { ReclaimStore } from '../../ledger-store.ts';
import { LedgerPart, toIso } from './ledger-part.ts';

/** The journal of statements that give space back. */
export class SqliteReclaimStore extends LedgerPart implements ReclaimStore {
  async recordEnd(started: number, outcome: ReclaimOutcome, bytes: number | null): Promise<void> {
    await this.change(sql`
      insert into ${this.table('reclaim')} (run_id, pass, label, mode, event, started_id, outcome, bytes, at)
      select run_id, pass, label, mode, 'ended', id, ${outcome}, ${bytes}, ${Date.now()}
      from ${this.table('reclaim')}
      where id = ${started}
      on conflict do nothing`);
  }

  async endInterrupted(run: number): Promise<InterruptedReclaim[]> {
    type Row = Omit<InterruptedReclaim, 'at'> & { readonly id: number; readonly at: number };
    const found = await this.rows(sql<Row>`
      select s.id, s.run_id as run, p.name, s.label, s.mode, s.at
      from ${this.table('run')} as own
      join ${this.table('run')} as r on r.id = own.id or (r.policy = own.policy and r.ended_at is not null)
      join ${this.table('reclaim')} as s on s.run_id = r.id and s.event = 'started'
      join ${this.table('pass')} as p on p.run_id = s.run_id and p.ordinal = s.pass
      where
        own.id = ${run}
        and not exists (select 1 from ${this.table('reclaim')} as e where e.started_id = s.id)
      order by s.id`);
    for (const { id } of found) await this.recordEnd(id, 'interrupted', null);
    return found.map(({ id: _id, at, ...row }) => ({ ...row, at: toIso(at) }));
  }
}
