import { sql } from 'kysely';

import { NOT_MEASURED } from '../../stored/backlog.ts';
import type { TableName } from '../../stored/columns.ts';
import type { StoredPass } from '../../stored/pass.ts';
import type { Note } from '../../stored/report.ts';
import type { OpenPass, OpenRun, RunOwner, RunPass, RunSettings, RunStatus } from '../../stored/run.ts';
import type { RunStore } from '../ledger-store.ts';
import type { LedgerSql } from './ledger-sql.ts';

/** Runs and their passes. */
export class SqlRunStore implements RunStore {
  readonly #sql: LedgerSql;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
  }

  async findOpen(policy: string): Promise<OpenRun | undefined> {
    type Row = Omit<OpenRun, 'settings' | 'startedAt'> & Readonly<Record<'settings' | 'startedAt', unknown>>;
    const [row] = await this.#sql.rows(sql<Row>`
      select
        id, policy, settings, temporal, workflow_id as "workflowId", first_run_id as "firstRunId",
        ${this.#sql.selectInstant('started_at')} as "startedAt"
      from ${this.#sql.table('run')}
      where policy = ${policy} and ended_at is null`);
    if (row === undefined) return undefined;
    return { ...row, settings: this.#sql.parse(row.settings), startedAt: this.#sql.toIso(row.startedAt) };
  }

  async listOpenPolicies(): Promise<string[]> {
    const rows = await this.#sql.rows(sql<{ policy: string }>`
      select policy from ${this.#sql.table('run')} where ended_at is null order by policy`);
    return rows.map(({ policy }) => policy);
  }

  async findWorkflow(run: number): Promise<string | undefined> {
    const [row] = await this.#sql.rows(sql<{ workflowId: string }>`
      select workflow_id as "workflowId" from ${this.#sql.table('run')} where id = ${run}`);
    return row?.workflowId;
  }

  async findLastOf(workflowId: string): Promise<number | undefined> {
    const [row] = await this.#sql.rows(sql<{ id: number | null }>`
      select max(id) as id from ${this.#sql.table('run')} where workflow_id = ${workflowId}`);
    return row?.id ?? undefined;
  }

  async insert(
    owner: RunOwner,
    settings: RunSettings,
    startedAt: string,
  ): Promise<OpenRun['id'] | undefined> {
    const [row] = await this.#sql.rows(sql<Pick<OpenRun, 'id'>>`
      insert into ${this.#sql.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, started_at)
      values (
        ${settings.plan.policy}, 'execute', 'running', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal},
        ${this.#sql.json(settings)}, ${this.#sql.instant(startedAt)})
      on conflict (policy) where ended_at is null do nothing
      returning id`);
    return row?.id;
  }

  async insertGuarded(owner: RunOwner, settings: RunSettings, reasons: readonly string[]): Promise<number> {
    const now = this.#sql.now();
    const [row] = await this.#sql.rows(sql<{ id: number }>`
      insert into ${this.#sql.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, reasons, started_at, ended_at)
      values (
        ${settings.plan.policy}, 'execute', 'stopped-by-guard', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal},
        ${this.#sql.json(settings)}, ${this.#sql.json(reasons)}, ${now}, ${now})
      returning id`);
    return row?.id ?? 0;
  }

  async insertPass(
    run: number,
    ordinal: number,
    { name, kind, stored, plan, settingsHash, before }: RunPass,
  ): Promise<void> {
    const backlog = before === undefined ? undefined : { ...NOT_MEASURED, before: before.backlog };
    await this.#sql.change(sql`
      insert into ${this.#sql.table('pass')}
        (run_id, ordinal, name, kind, status, scan, shards, stored, horizon, estimate, settings_hash, backlog)
      values (
        ${run}, ${ordinal}, ${name}, ${kind}, ${stored === null ? 'not-applicable' : 'planned'},
        ${plan.scan}, ${this.#sql.json(plan.shards)}, ${this.#sql.json(stored ?? {})},
        ${this.#sql.instant(stored?.horizon ?? null)}, ${plan.estimate}, ${settingsHash}, ${this.#sql.json(backlog)})`);
  }

  async readPass(run: number, ordinal: number): Promise<OpenPass | undefined> {
    const [row] = await this.#sql.rows(sql<{ name: string; stored: unknown; shards: unknown }>`
      select name, stored, shards from ${this.#sql.table('pass')} where run_id = ${run} and ordinal = ${ordinal}`);
    return row && { ...row, stored: this.#sql.parse(row.stored), shards: this.#sql.parse(row.shards) };
  }

  async storeRenewed(run: number, ordinal: number, stored: StoredPass): Promise<void> {
    await this.#sql.change(sql`
      update ${this.#sql.table('pass')}
      set stored = ${this.#sql.json(stored)}
      where run_id = ${run} and ordinal = ${ordinal}`);
  }

  async close(run: number, status: RunStatus, reasons: readonly string[]): Promise<boolean> {
    const closed = await this.#sql.change(sql`
      update ${this.#sql.table('run')}
      set status = ${status}, ended_at = ${this.#sql.now()}, reasons = ${this.#sql.json(reasons)}
      where id = ${run} and ended_at is null`);
    return closed > 0;
  }

  async readUsage(run: number): Promise<{ readonly rows: number; readonly millis: number }> {
    const [row] = await this.#sql.rows(sql<{ rows: number; millis: number }>`
      select
        (select coalesce(sum(rows), 0) from ${this.#sql.table('batch')} where run_id = ${run}) as rows,
        ${this.#sql.millis(this.#sql.now())} - ${this.#sql.millis(sql.id('started_at'))} as millis
      from ${this.#sql.table('run')}
      where id = ${run}`);
    return row ?? { rows: 0, millis: 0 };
  }

  async hasDeletedFrom(run: number, label: string): Promise<boolean> {
    const found = await this.#sql.rows(sql`
      select 1 as found
      from ${this.#sql.table('batch')}
      where run_id = ${run} and exists (select 1 from ${this.#sql.members('deleted')} as d where d.key = ${label})
      limit 1`);
    return found.length > 0;
  }

  async readTables(run: number): Promise<TableName[]> {
    const rows = await this.#sql.rows(sql<{ stored: unknown }>`
      select p.stored
      from ${this.#sql.table('pass')} as p
      join ${this.#sql.table('run')} as r on r.id = p.run_id
      where r.id = ${run} and r.ended_at is null
      order by p.ordinal`);
    return rows.flatMap(({ stored }) => {
      const { counted = [], tables = [] } = this.#sql.parse<Partial<StoredPass>>(stored);
      return counted.length > 0 ? counted : tables;
    });
  }

  async addNotes(run: number, notes: readonly Note[]): Promise<void> {
    for (const note of notes) {
      await this.#sql.change(sql`
        update ${this.#sql.table('run')}
        set notes = ${this.#sql.append('notes', note)}
        where id = ${run} and not ${this.#sql.hasElement('notes', note)}`);
    }
  }
}
