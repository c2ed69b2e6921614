import type { Kysely } from 'kysely';
import { sql } from 'kysely';

import type { Backlog, EarlierBacklog, PassBacklog } from '../backlog/backlog.ts';
import type { FrozenPass } from '../passes/index.ts';
import type { Ledger } from './ledger.ts';

/** The backlog of a pass before anything of it was measured. */
export const NOT_MEASURED: PassBacklog = {
  before: null,
  after: null,
  expiringPerDay: null,
  removedPerDay: null,
  keepsUp: null,
};

/** When a run measures. */
export type BacklogMoment = 'before' | 'after';

/** A pass of an open run that was not measured yet. */
export interface UnmeasuredPass {
  readonly ordinal: number;
  readonly name: string;
  readonly frozen: FrozenPass;
  /** Milliseconds since the run began. */
  readonly millis: number;
}

/** The passes of an open run that have no measure of the moment; none if the run is closed. */
export async function passesToMeasure(
  ledger: Ledger,
  run: number,
  moment: BacklogMoment,
): Promise<readonly UnmeasuredPass[]> {
  const { rows } = await sql<UnmeasuredPass>`
    select
      p.ordinal,
      p.name,
      p.frozen,
      (1000 * extract(epoch from clock_timestamp() - r.started_at))::float8 as millis
    from ${ledger.table('pass')} as p
    join ${ledger.table('run')} as r on r.id = p.run_id
    where
      r.id = ${run} and r.ended_at is null
      and p.state <> 'not-applicable'
      and jsonb_typeof(p.backlog -> ${moment}::text) is distinct from 'object'
    order by p.ordinal`.execute(ledger.db);
  return rows;
}

/** Keeps a measure, unless the run is closed. */
export async function writeBacklog(
  db: Kysely<unknown>,
  ledger: Ledger,
  run: number,
  ordinal: number,
  measured: Partial<PassBacklog>,
): Promise<void> {
  await sql`
    update ${ledger.table('pass')} as p
    set backlog = coalesce(p.backlog, ${JSON.stringify(NOT_MEASURED)}::jsonb) || ${JSON.stringify(measured)}::jsonb
    from ${ledger.table('run')} as r
    where p.run_id = ${run} and p.ordinal = ${ordinal} and r.id = p.run_id and r.ended_at is null`.execute(
    db,
  );
}

/**
 * What an earlier run of the policy left for a pass of an open run, by the name of the pass: the run before, or the
 * oldest run of the last day. Null if none of them measured.
 */
export async function readEarlierBacklog(
  ledger: Ledger,
  run: number,
  { ordinal, name, frozen }: Pick<UnmeasuredPass, 'ordinal' | 'name' | 'frozen'>,
  which: 'the run before' | 'the oldest of the last day',
): Promise<EarlierBacklog | null> {
  const { label } = frozen.table;
  const [runs, passes] = [ledger.table('run'), ledger.table('pass')];
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
        from ${ledger.table('batch')} as b
        where b.run_id = ${run} and b.pass = ${ordinal}
      ) as removed
    from ${runs} as r
    join ${runs} as e
      on e.policy = r.policy and e.started_at < r.started_at and e.mode = 'execute' and e.ended_at is not null
    join ${passes} as p on p.run_id = e.id and p.name = ${name} and jsonb_typeof(p.backlog -> 'after') = 'object'
    where r.id = ${run} ${order}
    limit 1`.execute(ledger.db);
  return rows[0] ?? null;
}

/** What the last run that measured left for a pass, and how fast rows come and go since. */
export interface LastBacklog extends Omit<PassBacklog, 'before' | 'after'> {
  readonly run: number;
  /** ISO 8601. */
  readonly endedAt: string;
  readonly left: Backlog;
}

/** The last measures of some passes of a policy, by the name of the pass. */
export async function readLastBacklogs(
  ledger: Ledger,
  policy: string,
  passes: readonly string[],
): Promise<ReadonlyMap<string, LastBacklog>> {
  const { rows } = await sql<{ name: string; run: number; endedAt: Date; backlog: PassBacklog }>`
    select w.name, l.*
    from unnest(${passes}::text[]) as w(name)
    cross join lateral (
      select r.id as run, r.ended_at as "endedAt", p.backlog
      from ${ledger.table('run')} as r
      join ${ledger.table('pass')} as p on p.run_id = r.id
      where
        r.policy = ${policy} and r.mode = 'execute' and r.ended_at is not null
        and p.name = w.name and jsonb_typeof(p.backlog -> 'after') = 'object'
      order by r.started_at desc
      limit 1
    ) as l`.execute(ledger.db);
  return new Map(
    rows.flatMap(({ name, run, endedAt, backlog: { before: _before, after, ...pace } }) =>
      after === null ? [] : [[name, { run, endedAt: endedAt.toISOString(), left: after, ...pace }]],
    ),
  );
}
