import { sql } from 'kysely';

import type { BacklogMoment, EarlierBacklog, LastBacklog, PassBacklog } from '../../../stored/backlog.ts';
import { NOT_MEASURED } from '../../../stored/backlog.ts';
import type { UnmeasuredPass } from '../../../stored/run.ts';
import type { BacklogStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

/** Backlogs before and after runs. */
export class PostgresBacklogStore extends LedgerPart implements BacklogStore {
  async findUnmeasured(run: number, moment: BacklogMoment): Promise<UnmeasuredPass[]> {
    const { rows } = await sql<UnmeasuredPass>`
      select
        p.ordinal,
        p.name,
        p.stored,
        (1000 * extract(epoch from clock_timestamp() - r.started_at))::float8 as millis
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      where
        r.id = ${run} and r.ended_at is null
        and p.status <> 'not-applicable'
        and jsonb_typeof(p.backlog -> ${moment}::text) is distinct from 'object'
      order by p.ordinal`.execute(this.db);
    return rows;
  }

  async write(run: number, ordinal: number, measured: Partial<PassBacklog>): Promise<void> {
    await sql`
      update ${this.table('pass')} as p
      set backlog = coalesce(p.backlog, ${JSON.stringify(NOT_MEASURED)}::jsonb) || ${JSON.stringify(measured)}::jsonb
      from ${this.table('run')} as r
      where p.run_id = ${run} and p.ordinal = ${ordinal} and r.id = p.run_id and r.ended_at is null`.execute(
      this.db,
    );
  }

  async readEarlier(
    run: number,
    { ordinal, name, stored }: Pick<UnmeasuredPass, 'ordinal' | 'name' | 'stored'>,
    which: 'the run before' | 'the oldest of the last day',
  ): Promise<EarlierBacklog | null> {
    const { label } = stored.table;
    const [runs, passes] = [this.table('run'), this.table('pass')];
    const order =
      which === 'the run before'
        ? sql`order by e.started_at desc`
        : sql`and e.started_at > clock_timestamp() - interval '1 day' order by e.started_at`;
    const { rows } = await sql<EarlierBacklog>`
      select
        e.id as run,
        p.backlog -> 'after' as after,
        extract(epoch from clock_timestamp() - e.ended_at)::float8 as "secondsAgo",
        (
          select coalesce(sum((q.deleted ->> ${label})::float8), 0)
          from ${runs} as between_runs
          join ${passes} as q on q.run_id = between_runs.id and q.name = ${name}
          where
            between_runs.policy = e.policy and between_runs.mode = 'execute'
            and between_runs.id > e.id and between_runs.id < ${run}
        ) + (
          select coalesce(sum((b.deleted ->> ${label})::float8), 0)
          from ${this.table('batch')} as b
          where b.run_id = ${run} and b.pass = ${ordinal}
        ) as removed
      from ${runs} as r
      join ${runs} as e
        on e.policy = r.policy and e.started_at < r.started_at and e.mode = 'execute' and e.ended_at is not null
      join ${passes} as p on p.run_id = e.id and p.name = ${name} and jsonb_typeof(p.backlog -> 'after') = 'object'
      where r.id = ${run} ${order}
      limit 1`.execute(this.db);
    return rows[0] ?? null;
  }

  async readLast(policy: string, passes: readonly string[]): Promise<ReadonlyMap<string, LastBacklog>> {
    const { rows } = await sql<{ name: string; run: number; endedAt: string; backlog: PassBacklog }>`
      select w.name, l.*
      from unnest(${passes}::text[]) as w(name)
      cross join lateral (
        select r.id as run, to_json(r.ended_at) #>> '{}' as "endedAt", p.backlog
        from ${this.table('run')} as r
        join ${this.table('pass')} as p on p.run_id = r.id
        where
          r.policy = ${policy} and r.mode = 'execute' and r.ended_at is not null
          and p.name = w.name and jsonb_typeof(p.backlog -> 'after') = 'object'
        order by r.started_at desc
        limit 1
      ) as l`.execute(this.db);
    return new Map(
      rows.flatMap(({ name, run, endedAt, backlog: { before: _before, after, ...pace } }) =>
        after === null
          ? []
          : [[name, { run, endedAt: new Date(endedAt).toISOString(), left: after, ...pace }]],
      ),
    );
  }
}
