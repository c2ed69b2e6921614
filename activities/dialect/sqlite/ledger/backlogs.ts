import { sql } from 'kysely';

import type { BacklogMoment, EarlierBacklog, LastBacklog, PassBacklog } from '../../../stored/backlog.ts';
import { NOT_MEASURED } from '../../../stored/backlog.ts';
import type { UnmeasuredPass } from '../../../stored/run.ts';
import type { BacklogStore } from '../../ledger-store.ts';
import { LedgerPart, parseJson, parseJsonOrNull, toIso } from './ledger-part.ts';

const DAY_MILLIS = 24 * 3600 * 1000;

/** Backlogs before and after runs. */
export class SqliteBacklogStore extends LedgerPart implements BacklogStore {
  async findUnmeasured(run: number, moment: BacklogMoment): Promise<UnmeasuredPass[]> {
    type Row = Omit<UnmeasuredPass, 'stored'> & { readonly stored: string; readonly backlog: string | null };
    const rows = await this.rows(sql<Row>`
      select p.ordinal, p.name, p.stored, p.backlog, ${Date.now()} - r.started_at as millis
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      where r.id = ${run} and r.ended_at is null and p.status <> 'not-applicable'
      order by p.ordinal`);
    return rows
      .filter(({ backlog }) => (parseJsonOrNull<PassBacklog>(backlog)?.[moment] ?? null) === null)
      .map(({ backlog: _backlog, stored, ...row }) => ({ ...row, stored: parseJson(stored) }));
  }

  async write(run: number, ordinal: number, measured: Partial<PassBacklog>): Promise<void> {
    const [row] = await this.rows(sql<{ backlog: string | null }>`
      select backlog from ${this.table('pass')} where run_id = ${run} and ordinal = ${ordinal}`);
    if (row === undefined) return;
    const before = parseJsonOrNull<PassBacklog>(row.backlog) ?? NOT_MEASURED;
    await this.change(sql`
      update ${this.table('pass')}
      set backlog = ${JSON.stringify({ ...before, ...measured })}
      where
        run_id = ${run} and ordinal = ${ordinal}
        and exists (select 1 from ${this.table('run')} as r where r.id = ${run} and r.ended_at is null)`);
  }

  async readEarlier(
    run: number,
    { ordinal, name, stored }: Pick<UnmeasuredPass, 'ordinal' | 'name' | 'stored'>,
    which: 'the run before' | 'the oldest of the last day',
  ): Promise<EarlierBacklog | null> {
    const { label } = stored.table;
    const [runs, passes] = [this.table('run'), this.table('pass')];
    const now = Date.now();
    const order =
      which === 'the run before'
        ? sql`order by e.started_at desc`
        : sql`and e.started_at > ${now - DAY_MILLIS} order by e.started_at`;
    type Row = Omit<EarlierBacklog, 'after'> & { readonly after: string };
    const [row] = await this.rows(sql<Row>`
      select
        e.id as run,
        p.backlog -> '$.after' as after,
        (${now} - e.ended_at) / 1000.0 as "secondsAgo",
        (
          select coalesce(sum(d.value), 0)
          from ${runs} as b
          join ${passes} as q on q.run_id = b.id and q.name = ${name}
          join json_each(q.deleted) as d on d.key = ${label}
          where b.policy = e.policy and b.mode = 'execute' and b.id > e.id and b.id < ${run}
        ) + (
          select coalesce(sum(d.value), 0)
          from ${this.table('batch')} as b, json_each(b.deleted) as d
          where b.run_id = ${run} and b.pass = ${ordinal} and d.key = ${label}
        ) as removed
      from ${runs} as r
      join ${runs} as e
        on e.policy = r.policy and e.started_at < r.started_at and e.mode = 'execute' and e.ended_at is not null
      join ${passes} as p on p.run_id = e.id and p.name = ${name} and p.backlog ->> '$.after' is not null
      where r.id = ${run} ${order}
      limit 1`);
    return row === undefined ? null : { ...row, after: parseJson(row.after) };
  }

  async readLast(policy: string, passes: readonly string[]): Promise<ReadonlyMap<string, LastBacklog>> {
    const found = new Map<string, LastBacklog>();
    for (const name of passes) {
      const [row] = await this.rows(sql<{ run: number; endedAt: number; backlog: string }>`
        select r.id as run, r.ended_at as "endedAt", p.backlog
        from ${this.table('run')} as r
        join ${this.table('pass')} as p on p.run_id = r.id
        where
          r.policy = ${policy} and r.mode = 'execute' and r.ended_at is not null
          and p.name = ${name} and p.backlog ->> '$.after' is not null
        order by r.started_at desc
        limit 1`);
      if (row === undefined) continue;
      const { before: _before, after, ...pace } = parseJson<PassBacklog>(row.backlog);
      if (after !== null)
        found.set(name, { run: row.run, endedAt: toIso(row.endedAt), left: after, ...pace });
    }
    return found;
  }
}
