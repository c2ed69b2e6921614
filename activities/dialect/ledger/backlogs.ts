import { sql } from 'kysely';

import type { BacklogMoment, EarlierBacklog, LastBacklog, PassBacklog } from '../../stored/backlog.ts';
import { NOT_MEASURED } from '../../stored/backlog.ts';
import type { UnmeasuredPass } from '../../stored/run.ts';
import type { BacklogStore } from '../ledger-store.ts';
import type { LedgerSql } from './ledger-sql.ts';

const DAY_MILLIS = 24 * 3600 * 1000;

/** Backlogs before and after runs. */
export class SqlBacklogStore implements BacklogStore {
  readonly #sql: LedgerSql;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
  }

  async findUnmeasured(run: number, moment: BacklogMoment): Promise<UnmeasuredPass[]> {
    type Row = Omit<UnmeasuredPass, 'stored'> & Readonly<Record<'stored' | 'backlog', unknown>>;
    const rows = await this.#sql.rows(sql<Row>`
      select
        p.ordinal, p.name, p.stored, p.backlog,
        ${this.#sql.millis(this.#sql.now())} - ${this.#sql.millis(sql`r.started_at`)} as millis
      from ${this.#sql.table('pass')} as p
      join ${this.#sql.table('run')} as r on r.id = p.run_id
      where r.id = ${run} and r.ended_at is null and p.status <> 'not-applicable'
      order by p.ordinal`);
    return rows
      .filter(({ backlog }) => this.#sql.parse<PassBacklog | null>(backlog)?.[moment] == null)
      .map(({ backlog: _backlog, stored, ...row }) => ({ ...row, stored: this.#sql.parse(stored) }));
  }

  async write(run: number, ordinal: number, measured: Partial<PassBacklog>): Promise<void> {
    await this.#sql.change(sql`
      update ${this.#sql.table('pass')}
      set backlog = ${this.#sql.assign('backlog', NOT_MEASURED, measured)}
      where
        run_id = ${run} and ordinal = ${ordinal}
        and exists (select 1 from ${this.#sql.table('run')} as r where r.id = ${run} and r.ended_at is null)`);
  }

  async readEarlier(
    run: number,
    { ordinal, name, stored }: Pick<UnmeasuredPass, 'ordinal' | 'name' | 'stored'>,
    which: 'the run before' | 'the oldest of the last day',
  ): Promise<EarlierBacklog | null> {
    const { label } = stored.table;
    const [runs, passes] = [this.#sql.table('run'), this.#sql.table('pass')];
    const order =
      which === 'the run before'
        ? sql`order by e.started_at desc`
        : sql`and e.started_at > ${this.#sql.now(-DAY_MILLIS)} order by e.started_at`;
    type Row = Omit<EarlierBacklog, 'after'> & { readonly backlog: unknown };
    const [row] = await this.#sql.rows(sql<Row>`
      select
        e.id as run, p.backlog,
        (${this.#sql.millis(this.#sql.now())} - ${this.#sql.millis(sql`e.ended_at`)}) / 1000.0 as "secondsAgo",
        (
          select coalesce(sum(cast(d.value as float8)), 0)
          from ${runs} as b
          join ${passes} as q on q.run_id = b.id and q.name = ${name}
          join ${this.#sql.members('q.deleted')} as d on d.key = ${label}
          where b.policy = e.policy and b.mode = 'execute' and b.id > e.id and b.id < ${run}
        ) + (
          select coalesce(sum(cast(d.value as float8)), 0)
          from ${this.#sql.table('batch')} as b
          join ${this.#sql.members('b.deleted')} as d on d.key = ${label}
          where b.run_id = ${run} and b.pass = ${ordinal}
        ) as removed
      from ${runs} as r
      join ${runs} as e
        on e.policy = r.policy and e.started_at < r.started_at and e.mode = 'execute' and e.ended_at is not null
      join ${passes} as p on p.run_id = e.id and p.name = ${name} and p.backlog ->> 'after' is not null
      where r.id = ${run} ${order}
      limit 1`);
    if (row === undefined) return null;
    const { backlog, ...earlier } = row;
    const { after } = this.#sql.parse<PassBacklog>(backlog);
    return after === null ? null : { ...earlier, after };
  }

  async readLast(policy: string, passes: readonly string[]): Promise<ReadonlyMap<string, LastBacklog>> {
    if (passes.length === 0) return new Map();
    const last = passes.map(
      (name, n) => sql`
        select * from (
          select p.name, r.id as run, ${this.#sql.selectInstant('r.ended_at')} as "endedAt", p.backlog
          from ${this.#sql.table('run')} as r
          join ${this.#sql.table('pass')} as p on p.run_id = r.id
          where
            r.policy = ${policy} and r.mode = 'execute' and r.ended_at is not null
            and p.name = ${name} and p.backlog ->> 'after' is not null
          order by r.started_at desc
          limit 1
        ) as ${sql.id(`last_${n}`)}`,
    );
    type Row = { readonly name: string; readonly run: number } & Readonly<
      Record<'endedAt' | 'backlog', unknown>
    >;
    const rows = await this.#sql.rows(sql<Row>`${sql.join(last, sql` union all `)}`);
    return new Map(
      rows.flatMap(({ name, run, endedAt, backlog }) => {
        const { before: _before, after, ...pace } = this.#sql.parse<PassBacklog>(backlog);
        const ended = new Date(this.#sql.toIso(endedAt)).toISOString();
        return after === null ? [] : [[name, { run, endedAt: ended, left: after, ...pace }]];
      }),
    );
  }
}
