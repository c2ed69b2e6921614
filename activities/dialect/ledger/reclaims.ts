import { sql } from 'kysely';

import type { InterruptedReclaim, ReclaimOutcome } from '../../stored/reclaim.ts';
import type { ReclaimStore } from '../ledger-store.ts';
import type { LedgerSql } from './ledger-sql.ts';

/** The journal of statements that give space back. */
export class SqlReclaimStore implements ReclaimStore {
  readonly #sql: LedgerSql;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
  }

  async recordEnd(started: number, outcome: ReclaimOutcome, bytes: number | null): Promise<void> {
    await this.#end(started, outcome, bytes);
  }

  async endInterrupted(run: number): Promise<InterruptedReclaim[]> {
    type Row = Omit<InterruptedReclaim, 'at'> & { readonly id: number; readonly at: unknown };
    const found = await this.#sql.rows(sql<Row>`
      select s.id, s.run_id as run, p.name, s.label, s.mode, ${this.#sql.selectInstant('s.at')} as at
      from ${this.#sql.table('run')} as own
      join ${this.#sql.table('run')} as r on r.id = own.id or (r.policy = own.policy and r.ended_at is not null)
      join ${this.#sql.table('reclaim')} as s on s.run_id = r.id and s.event = 'started'
      join ${this.#sql.table('pass')} as p on p.run_id = s.run_id and p.ordinal = s.pass
      where
        own.id = ${run}
        and not exists (select 1 from ${this.#sql.table('reclaim')} as e where e.started_id = s.id)
      order by s.id`);
    const ended: InterruptedReclaim[] = [];
    for (const { id, at, ...row } of found) {
      const isFirst = await this.#end(id, 'interrupted', null);
      if (isFirst) ended.push({ ...row, at: this.#sql.toIso(at) });
    }
    return ended;
  }

  /** Returns false if it had an end. */
  async #end(started: number, outcome: ReclaimOutcome, bytes: number | null): Promise<boolean> {
    const ended = await this.#sql.change(sql`
      insert into ${this.#sql.table('reclaim')} (run_id, pass, label, mode, event, started_id, outcome, bytes, at)
      select
        run_id, pass, label, mode, 'ended', id, cast(${outcome} as text), cast(${bytes} as float8), ${this.#sql.now()}
      from ${this.#sql.table('reclaim')}
      where id = ${started}
      on conflict (started_id) do nothing`);
    return ended > 0;
  }
}
