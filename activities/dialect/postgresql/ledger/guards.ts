import { sql } from 'kysely';

import type { BlockedPolicy, GuardState, LedgerPast, PreviewedRows, Seen } from '../../../stored/guard.ts';
import type { OpenRun, RunPass } from '../../../stored/run.ts';
import type { GuardStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

/** A preview permits what it showed to runs of the same settings for so long. */
const PREVIEW_HOURS = 24;
/** So many runs of a pass say what is usual. */
const USUAL_RUNS = 10;
/** Clocks of database servers that follow one another differ by less. */
const FUTURE_SECONDS = 60;

/** What guards remember, and what they compare with. */
export class PostgresGuardStore extends LedgerPart implements GuardStore {
  async read(policy: string): Promise<GuardState | undefined> {
    const { rows } = await sql<GuardState>`
      select
        system_identifier as "systemIdentifier", database_oid as "databaseOid", tables,
        known_run as "knownRun", blocked,
        to_json(blocked_at) #>> '{}' as "blockedAt"
      from ${this.table('guard')}
      where policy = ${policy}`.execute(this.db);
    return rows[0];
  }

  async recordSeen({ id, policy }: Pick<OpenRun, 'id' | 'policy'>, seen: Seen): Promise<void> {
    const tables = Object.entries(seen.tables).map(([name, table]) => [name, { ...table, run: id }]);
    await sql`
      insert into ${this.table('guard')} as g (policy, system_identifier, database_oid, tables)
      values (
        ${policy}, ${seen.systemIdentifier}, ${seen.databaseOid},
        ${JSON.stringify(Object.fromEntries(tables))}::jsonb)
      on conflict (policy) do update
      set
        system_identifier = coalesce(excluded.system_identifier, g.system_identifier),
        database_oid = excluded.database_oid,
        tables = g.tables || excluded.tables`.execute(this.db);
  }

  async block(policy: string, reasons: readonly string[], lastRun: number): Promise<void> {
    await sql`
      insert into ${this.table('guard')} as g (policy, known_run, blocked, blocked_at)
      values (${policy}, ${lastRun}, ${JSON.stringify(reasons)}::jsonb, clock_timestamp())
      on conflict (policy) do update
      set
        known_run = greatest(g.known_run, excluded.known_run),
        blocked = excluded.blocked,
        blocked_at = excluded.blocked_at`.execute(this.db);
  }

  async acknowledge(policy: string | undefined): Promise<BlockedPolicy[]> {
    const { rows } = await sql<BlockedPolicy>`
      with was as (
        select policy, blocked
        from ${this.table('guard')}
        where blocked is not null and (${policy ?? null}::text is null or policy = ${policy ?? null})
        for update
      )
      update ${this.table('guard')} as g
      set
        system_identifier = null,
        database_oid = null,
        tables = '{}',
        known_run = greatest(g.known_run, (select coalesce(max(id), 0) from ${this.table('run')})),
        blocked = null,
        blocked_at = null
      from was
      where g.policy = was.policy
      returning g.policy, was.blocked as reasons`.execute(this.db);
    return rows;
  }

  async readPast(knownRun: number): Promise<LedgerPast> {
    const { rows } = await sql<LedgerPast>`
      select
        coalesce(max(id), 0) as "lastRun",
        max(id) filter (
          where id > ${knownRun}
          and greatest(started_at, ended_at) > clock_timestamp() + make_interval(secs => ${FUTURE_SECONDS}::float8)
        ) as future
      from ${this.table('run')}`.execute(this.db);
    return rows[0] ?? { lastRun: 0, future: null };
  }

  async sumDeleted(label: string, run: number): Promise<number> {
    const { rows } = await sql<{ rows: number }>`
      select coalesce(sum((p.deleted ->> ${label})::float8), 0) as rows
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      where r.mode = 'execute' and r.id >= ${run}`.execute(this.db);
    return rows[0]?.rows ?? 0;
  }

  /**
   * Runs that found nothing do not count: of an hourly schedule over rows that expire once a day most do. One that a limit
   * or a crash ended counts with what it was about to delete. One that a person ended does not: that person may have seen
   * that it was wrong.
   */
  async findMaxDeleted(policy: string, pass: string, label: string): Promise<number | undefined> {
    const { rows } = await sql<{ max: number | null }>`
      select max(rows) as max
      from (
        select
          case
            when p.status = 'completed' or r.status = 'cancelled'
              or (r.status = 'stopped' and r.reasons::text not like '%stopped: limit %')
              then (p.deleted ->> ${label})::float8
            else greatest((p.deleted ->> ${label})::float8, p.estimate)
          end as rows
        from ${this.table('pass')} as p
        join ${this.table('run')} as r on r.id = p.run_id
        where r.policy = ${policy} and r.mode = 'execute' and p.name = ${pass} and (p.deleted ->> ${label})::float8 > 0
        order by r.id desc
        limit ${USUAL_RUNS}
      ) as usual`.execute(this.db);
    return rows[0]?.max ?? undefined;
  }

  async findMaxFiles(policy: string, pass: string): Promise<number | undefined> {
    const { rows } = await sql<{ max: number | null }>`
      select max(files) as max
      from (
        select p.files
        from ${this.table('pass')} as p
        join ${this.table('run')} as r on r.id = p.run_id
        where r.policy = ${policy} and r.mode = 'execute' and p.name = ${pass} and p.status = 'completed'
        order by r.id desc
        limit ${USUAL_RUNS}
      ) as usual`.execute(this.db);
    return rows[0]?.max ?? undefined;
  }

  async findPreviewed(
    policy: string,
    passes: readonly Pick<RunPass, 'name' | 'settingsHash'>[],
  ): Promise<PreviewedRows[]> {
    const { rows } = await sql<PreviewedRows>`
      select p.name as pass, to_json(r.started_at) #>> '{}' as at, p.deleted, p.files
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      join unnest(
        ${passes.map((pass) => pass.name)}::text[],
        ${passes.map((pass) => pass.settingsHash)}::text[]
      ) as w(name, hash) on w.name = p.name and w.hash = p.settings_hash
      where
        r.policy = ${policy} and r.mode = 'preview'
        and r.started_at between now() - make_interval(hours => ${PREVIEW_HOURS}::int) and now()
      order by r.started_at`.execute(this.db);
    return rows;
  }
}
