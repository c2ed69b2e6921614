import { sql } from 'kysely';

import type { BlockedPolicy, GuardState, LedgerPast, PreviewedRows, Seen } from '../../../stored/guard.ts';
import type { OpenRun, RunPass } from '../../../stored/run.ts';
import type { GuardStore } from '../../ledger-store.ts';
import { LedgerPart, parseJson, parseJsonOrNull, toIsoOrNull } from './ledger-part.ts';

/** A preview permits what it showed to runs of the same settings for so long. */
const PREVIEW_MILLIS = 24 * 3600 * 1000;
/** So many runs of a pass say what is usual. */
const USUAL_RUNS = 10;
/** A clock that is set may step back by less. */
const FUTURE_MILLIS = 60_000;

/** What guards remember, and what they compare with. */
export class SqliteGuardStore extends LedgerPart implements GuardStore {
  async read(policy: string): Promise<GuardState | undefined> {
    type Row = Omit<GuardState, 'tables' | 'blocked' | 'blockedAt'> & {
      readonly tables: string;
      readonly blocked: string | null;
      readonly blockedAt: number | null;
    };
    const [row] = await this.rows(sql<Row>`
      select
        system_identifier as "systemIdentifier", database_oid as "databaseOid", tables,
        known_run as "knownRun", blocked, blocked_at as "blockedAt"
      from ${this.table('guard')}
      where policy = ${policy}`);
    if (row === undefined) return undefined;
    const { tables, blocked, blockedAt } = row;
    return {
      ...row,
      tables: parseJson(tables),
      blocked: parseJsonOrNull(blocked),
      blockedAt: toIsoOrNull(blockedAt),
    };
  }

  async recordSeen({ id, policy }: Pick<OpenRun, 'id' | 'policy'>, seen: Seen): Promise<void> {
    const before = await this.read(policy);
    const own = Object.entries(seen.tables).map(([name, table]) => [name, { ...table, run: id }]);
    const tables = JSON.stringify({ ...before?.tables, ...Object.fromEntries(own) });
    await this.change(sql`
      insert into ${this.table('guard')} as g (policy, system_identifier, database_oid, tables)
      values (${policy}, ${seen.systemIdentifier}, ${seen.databaseOid}, ${tables})
      on conflict (policy) do update
      set
        system_identifier = coalesce(excluded.system_identifier, g.system_identifier),
        database_oid = excluded.database_oid,
        tables = excluded.tables`);
  }

  async block(policy: string, reasons: readonly string[], lastRun: number): Promise<void> {
    await this.change(sql`
      insert into ${this.table('guard')} as g (policy, known_run, blocked, blocked_at)
      values (${policy}, ${lastRun}, ${JSON.stringify(reasons)}, ${Date.now()})
      on conflict (policy) do update
      set
        known_run = max(g.known_run, excluded.known_run),
        blocked = excluded.blocked,
        blocked_at = excluded.blocked_at`);
  }

  async acknowledge(policy: string | undefined): Promise<BlockedPolicy[]> {
    const which = policy === undefined ? sql`true` : sql`policy = ${policy}`;
    const blocked = await this.rows(sql<{ policy: string; reasons: string }>`
      select policy, blocked as reasons
      from ${this.table('guard')}
      where blocked is not null and ${which}`);
    await this.change(sql`
      update ${this.table('guard')} as g
      set
        system_identifier = null, database_oid = null, tables = '{}', blocked = null, blocked_at = null,
        known_run = max(g.known_run, (select coalesce(max(id), 0) from ${this.table('run')}))
      where blocked is not null and ${which}`);
    return blocked.map((row) => ({ policy: row.policy, reasons: parseJson(row.reasons) }));
  }

  async readPast(knownRun: number): Promise<LedgerPast> {
    const latest = Date.now() + FUTURE_MILLIS;
    const [row] = await this.rows(sql<LedgerPast>`
      select
        coalesce(max(id), 0) as "lastRun",
        max(case when id > ${knownRun} and max(started_at, coalesce(ended_at, 0)) > ${latest} then id end) as future
      from ${this.table('run')}`);
    return row ?? { lastRun: 0, future: null };
  }

  async sumDeleted(label: string, run: number): Promise<number> {
    const [row] = await this.rows(sql<{ rows: number }>`
      select coalesce(sum(d.value), 0) as rows
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      join json_each(p.deleted) as d on d.key = ${label}
      where r.mode = 'execute' and r.id >= ${run}`);
    return row?.rows ?? 0;
  }

  /**
   * Runs that found nothing do not count. One that a limit or a crash ended counts with what it was about to delete. One that
   * a person ended does not: that person may have seen that it was wrong.
   */
  async findMaxDeleted(policy: string, pass: string, label: string): Promise<number | undefined> {
    const [row] = await this.rows(sql<{ most: number | null }>`
      select max(rows) as most
      from (
        select
          case
            when p.status = 'completed' or r.status = 'cancelled'
              or (r.status = 'stopped' and r.reasons not like '%stopped: limit %')
              then d.value
            else max(d.value, coalesce(p.estimate, 0))
          end as rows
        from ${this.table('pass')} as p
        join ${this.table('run')} as r on r.id = p.run_id
        join json_each(p.deleted) as d on d.key = ${label}
        where r.policy = ${policy} and r.mode = 'execute' and p.name = ${pass} and d.value > 0
        order by r.id desc
        limit ${USUAL_RUNS}
      )`);
    return row?.most ?? undefined;
  }

  async findMaxFiles(policy: string, pass: string): Promise<number | undefined> {
    const [row] = await this.rows(sql<{ most: number | null }>`
      select max(files) as most
      from (
        select p.files
        from ${this.table('pass')} as p
        join ${this.table('run')} as r on r.id = p.run_id
        where r.policy = ${policy} and r.mode = 'execute' and p.name = ${pass} and p.status = 'completed'
        order by r.id desc
        limit ${USUAL_RUNS}
      )`);
    return row?.most ?? undefined;
  }

  async findPreviewed(
    policy: string,
    passes: readonly Pick<RunPass, 'name' | 'settingsHash'>[],
  ): Promise<PreviewedRows[]> {
    const now = Date.now();
    type Row = Pick<PreviewedRows, 'pass' | 'files'> & {
      readonly at: number;
      readonly deleted: string;
      readonly hash: string | null;
    };
    const rows = await this.rows(sql<Row>`
      select p.name as pass, r.started_at as at, p.deleted, p.files, p.settings_hash as hash
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      where r.policy = ${policy} and r.mode = 'preview' and r.started_at between ${now - PREVIEW_MILLIS} and ${now}
      order by r.started_at`);
    const isOfNow = ({ pass, hash }: Row): boolean =>
      hash !== null && passes.some(({ name, settingsHash }) => name === pass && settingsHash === hash);
    return rows.filter(isOfNow).map(({ pass, at, deleted, files }) => ({
      pass,
      at: new Date(at).toISOString(),
      deleted: parseJson(deleted),
      files,
    }));
  }
}
