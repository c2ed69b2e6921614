import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { BlockedPolicy, GuardState, LedgerPast, PreviewedRows, Seen } from '../../stored/guard.ts';
import type { OpenRun, RunPass } from '../../stored/run.ts';
import type { GuardStore } from '../ledger-store.ts';
import type { LedgerSql } from './ledger-sql.ts';

/** A preview permits what it showed to runs of the same settings for so long. */
const PREVIEW_MILLIS = 24 * 3600 * 1000;
/** So many runs of a pass say what is usual. */
const USUAL_RUNS = 10;
/** Clocks of servers that follow one another, and a clock that is set, differ by less. */
const FUTURE_MILLIS = 60_000;

/** What guards remember, and what they compare with. */
export class SqlGuardStore implements GuardStore {
  readonly #sql: LedgerSql;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
  }

  async read(policy: string): Promise<GuardState | undefined> {
    type Row = Omit<GuardState, 'blockedAt'> & { readonly blockedAt: unknown };
    const [row] = await this.#sql.rows(sql<Row>`
      select
        system_identifier as "systemIdentifier", database_oid as "databaseOid", tables,
        known_run as "knownRun", blocked, ${this.#sql.selectInstant('blocked_at')} as "blockedAt"
      from ${this.#sql.table('guard')}
      where policy = ${policy}`);
    if (row === undefined) return undefined;
    const { tables, blocked, blockedAt } = row;
    return {
      ...row,
      tables: this.#sql.parse(tables),
      blocked: this.#sql.parse(blocked),
      blockedAt: blockedAt === null ? null : this.#sql.toIso(blockedAt),
    };
  }

  /** The run has the lease of its policy: nobody else writes what is read here. */
  async recordSeen({ id, policy }: Pick<OpenRun, 'id' | 'policy'>, seen: Seen): Promise<void> {
    const before = await this.read(policy);
    const own = Object.entries(seen.tables).map(([name, table]) => [name, { ...table, run: id }]);
    const tables = { ...before?.tables, ...Object.fromEntries(own) };
    await this.#sql.change(sql`
      insert into ${this.#sql.table('guard')} as g (policy, system_identifier, database_oid, tables)
      values (${policy}, ${seen.systemIdentifier}, ${seen.databaseOid}, ${this.#sql.json(tables)})
      on conflict (policy) do update
      set
        system_identifier = coalesce(excluded.system_identifier, g.system_identifier),
        database_oid = excluded.database_oid,
        tables = excluded.tables`);
  }

  async block(policy: string, reasons: readonly string[], lastRun: number): Promise<void> {
    await this.#sql.change(sql`
      insert into ${this.#sql.table('guard')} as g (policy, known_run, blocked, blocked_at)
      values (${policy}, ${lastRun}, ${this.#sql.json(reasons)}, ${this.#sql.now()})
      on conflict (policy) do update
      set
        known_run = ${this.#sql.greatest(sql`g.known_run`, sql`excluded.known_run`)},
        blocked = excluded.blocked,
        blocked_at = excluded.blocked_at`);
  }

  /** What a guard wrote between the two statements stays blocked: nobody has been told of it. */
  async acknowledge(policy: string | undefined): Promise<BlockedPolicy[]> {
    const rows = await this.#sql.rows(sql<{ policy: string; reasons: unknown }>`
      select policy, blocked as reasons
      from ${this.#sql.table('guard')}
      where blocked is not null and ${policy === undefined ? sql`true` : sql`policy = ${policy}`}`);
    const blocked = rows.map((row) => ({
      policy: row.policy,
      reasons: this.#sql.parse<BlockedPolicy['reasons']>(row.reasons),
    }));
    const released: BlockedPolicy[] = [];
    for (const one of blocked) {
      const lastRun = sql`(select coalesce(max(id), 0) from ${this.#sql.table('run')})`;
      const changed = await this.#sql.change(sql`
        update ${this.#sql.table('guard')}
        set
          system_identifier = null, database_oid = null, tables = '{}', blocked = null, blocked_at = null,
          known_run = ${this.#sql.greatest(sql`known_run`, lastRun)}
        where policy = ${one.policy} and blocked = ${this.#sql.json(one.reasons)}`);
      if (changed > 0) released.push(one);
    }
    return released;
  }

  async readPast(knownRun: number): Promise<LedgerPast> {
    const latest = this.#sql.now(FUTURE_MILLIS);
    const [row] = await this.#sql.rows(sql<LedgerPast>`
      select
        coalesce(max(id), 0) as "lastRun",
        max(case when id > ${knownRun} and (started_at > ${latest} or ended_at > ${latest}) then id end) as future
      from ${this.#sql.table('run')}`);
    return row ?? { lastRun: 0, future: null };
  }

  async sumDeleted(label: string, run: number): Promise<number> {
    const [row] = await this.#sql.rows(sql<{ rows: number }>`
      select coalesce(sum(cast(d.value as float8)), 0) as rows
      from ${this.#sql.table('pass')} as p
      join ${this.#sql.table('run')} as r on r.id = p.run_id
      join ${this.#sql.members('p.deleted')} as d on d.key = ${label}
      where r.mode = 'execute' and r.id >= ${run}`);
    return row?.rows ?? 0;
  }

  /**
   * Runs that found nothing do not count: of an hourly schedule over rows that expire once a day most do. One that a limit
   * or a crash ended counts with what it was about to delete. One that a person ended does not: that person may have seen
   * that it was wrong.
   */
  async findMaxDeleted(policy: string, pass: string, label: string): Promise<number | undefined> {
    const deleted = sql`cast(d.value as float8)`;
    return this.#findMax(
      sql`
        case
          when p.status = 'completed' or r.status = 'cancelled'
            or (r.status = 'stopped' and cast(r.reasons as text) not like '%stopped: limit %')
            then ${deleted}
          else ${this.#sql.greatest(deleted, sql`p.estimate`)}
        end`,
      sql`join ${this.#sql.members('p.deleted')} as d on d.key = ${label}`,
      sql`r.policy = ${policy} and p.name = ${pass} and ${deleted} > 0`,
    );
  }

  async findMaxFiles(policy: string, pass: string): Promise<number | undefined> {
    const which = sql`r.policy = ${policy} and p.name = ${pass} and p.status = 'completed'`;
    return this.#findMax(sql`p.files`, sql``, which);
  }

  async #findMax(
    value: RawBuilder<unknown>,
    join: RawBuilder<unknown>,
    which: RawBuilder<unknown>,
  ): Promise<number | undefined> {
    const [row] = await this.#sql.rows(sql<{ max: number | null }>`
      select max(usual.value) as max
      from (
        select ${value} as value
        from ${this.#sql.table('pass')} as p
        join ${this.#sql.table('run')} as r on r.id = p.run_id
        ${join}
        where r.mode = 'execute' and ${which}
        order by r.id desc
        limit ${USUAL_RUNS}
      ) as usual`);
    return row?.max ?? undefined;
  }

  async findPreviewed(
    policy: string,
    passes: readonly Pick<RunPass, 'name' | 'settingsHash'>[],
  ): Promise<PreviewedRows[]> {
    type Row = Pick<PreviewedRows, 'pass' | 'files'> &
      Readonly<Record<'at' | 'deleted', unknown>> & { readonly hash: string | null };
    const rows = await this.#sql.rows(sql<Row>`
      select
        p.name as pass, ${this.#sql.selectInstant('r.started_at')} as at, p.deleted, p.files,
        p.settings_hash as hash
      from ${this.#sql.table('pass')} as p
      join ${this.#sql.table('run')} as r on r.id = p.run_id
      where
        r.policy = ${policy} and r.mode = 'preview'
        and r.started_at between ${this.#sql.now(-PREVIEW_MILLIS)} and ${this.#sql.now()}
      order by r.started_at`);
    const isOfNow = ({ pass, hash }: Row): boolean =>
      hash !== null && passes.some(({ name, settingsHash }) => name === pass && settingsHash === hash);
    return rows.filter(isOfNow).map(({ pass, at, deleted, files }) => ({
      pass,
      at: this.#sql.toIso(at),
      deleted: this.#sql.parse(deleted),
      files,
    }));
  }
}
