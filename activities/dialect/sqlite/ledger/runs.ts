import { sql } from 'kysely';

import { NOT_MEASURED } from '../../../stored/backlog.ts';
import type { TableName } from '../../../stored/columns.ts';
import type { StoredPass } from '../../../stored/pass.ts';
import type { Note } from '../../../stored/report.ts';
import type { OpenPass, OpenRun, RunOwner, RunPass, RunSettings, RunStatus } from '../../../stored/run.ts';
import type { RunStore } from '../../ledger-store.ts';
import { LedgerPart, parseJson, toIso } from './ledger-part.ts';

/** Runs and their passes. */
export class SqliteRunStore extends LedgerPart implements RunStore {
  async findOpen(policy: string): Promise<OpenRun | undefined> {
    type Row = Omit<OpenRun, 'settings' | 'startedAt'> & {
      readonly settings: string;
      readonly startedAt: number;
    };
    const [row] = await this.rows(sql<Row>`
      select
        id, policy, settings, temporal,
        workflow_id as "workflowId", first_run_id as "firstRunId", started_at as "startedAt"
      from ${this.table('run')}
      where policy = ${policy} and ended_at is null`);
    if (row === undefined) return undefined;
    return { ...row, settings: parseJson(row.settings), startedAt: toIso(row.startedAt) };
  }

  async listOpenPolicies(): Promise<string[]> {
    const rows = await this.rows(sql<{ policy: string }>`
      select policy from ${this.table('run')} where ended_at is null order by policy`);
    return rows.map(({ policy }) => policy);
  }

  async findWorkflow(run: number): Promise<string | undefined> {
    const [row] = await this.rows(sql<{ workflowId: string }>`
      select workflow_id as "workflowId" from ${this.table('run')} where id = ${run}`);
    return row?.workflowId;
  }

  async findLastOf(workflowId: string): Promise<number | undefined> {
    const [row] = await this.rows(sql<{ id: number | null }>`
      select max(id) as id from ${this.table('run')} where workflow_id = ${workflowId}`);
    return row?.id ?? undefined;
  }

  async insert(
    owner: RunOwner,
    settings: RunSettings,
    startedAt: string,
  ): Promise<OpenRun['id'] | undefined> {
    const [row] = await this.rows(sql<{ id: number }>`
      insert into ${this.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, started_at)
      values (
        ${settings.plan.policy}, 'execute', 'running', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal},
        ${JSON.stringify(settings)}, ${Date.parse(startedAt)})
      on conflict (policy) where ended_at is null do nothing
      returning id`);
    return row?.id;
  }

  async insertGuarded(owner: RunOwner, settings: RunSettings, reasons: readonly string[]): Promise<number> {
    const now = Date.now();
    const [row] = await this.rows(sql<{ id: number }>`
      insert into ${this.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, reasons, started_at, ended_at)
      values (
        ${settings.plan.policy}, 'execute', 'stopped-by-guard', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal},
        ${JSON.stringify(settings)}, ${JSON.stringify(reasons)}, ${now}, ${now})
      returning id`);
    return row?.id ?? 0;
  }

  async insertPass(
    run: number,
    ordinal: number,
    { name, kind, stored, plan, settingsHash, before }: RunPass,
  ): Promise<void> {
    const backlog = before === undefined ? null : JSON.stringify({ ...NOT_MEASURED, before: before.backlog });
    const horizon = stored?.horizon === undefined ? null : Date.parse(stored.horizon);
    await this.change(sql`
      insert into ${this.table('pass')}
        (run_id, ordinal, name, kind, status, scan, shards, stored, horizon, estimate, settings_hash, backlog)
      values (
        ${run}, ${ordinal}, ${name}, ${kind}, ${stored === null ? 'not-applicable' : 'planned'},
        ${plan.scan}, ${JSON.stringify(plan.shards)}, ${JSON.stringify(stored ?? {})},
        ${horizon}, ${plan.estimate}, ${settingsHash}, ${backlog})`);
  }

  async readPass(run: number, ordinal: number): Promise<OpenPass | undefined> {
    const [row] = await this.rows(sql<{ name: string; stored: string; shards: string }>`
      select name, stored, shards from ${this.table('pass')} where run_id = ${run} and ordinal = ${ordinal}`);
    return row && { name: row.name, stored: parseJson(row.stored), shards: parseJson(row.shards) };
  }

  async storeRenewed(run: number, ordinal: number, stored: StoredPass): Promise<void> {
    await this.change(sql`
      update ${this.table('pass')}
      set stored = ${JSON.stringify(stored)}
      where run_id = ${run} and ordinal = ${ordinal}`);
  }

  async close(run: number, status: RunStatus, reasons: readonly string[]): Promise<boolean> {
    const closed = await this.change(sql`
      update ${this.table('run')}
      set status = ${status}, ended_at = ${Date.now()}, reasons = ${JSON.stringify(reasons)}
      where id = ${run} and ended_at is null`);
    return closed > 0;
  }

  async readUsage(run: number): Promise<{ readonly rows: number; readonly millis: number }> {
    const [row] = await this.rows(sql<{ rows: number; millis: number }>`
      select
        (select coalesce(sum(rows), 0) from ${this.table('batch')} where run_id = ${run}) as rows,
        ${Date.now()} - started_at as millis
      from ${this.table('run')}
      where id = ${run}`);
    return row ?? { rows: 0, millis: 0 };
  }

  async hasDeletedFrom(run: number, label: string): Promise<boolean> {
    const found = await this.rows(sql`
      select 1
      from ${this.table('batch')} as b, json_each(b.deleted) as d
      where b.run_id = ${run} and d.key = ${label}
      limit 1`);
    return found.length > 0;
  }

  async readTables(run: number): Promise<TableName[]> {
    const rows = await this.rows(sql<{ stored: string }>`
      select p.stored
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      where r.id = ${run} and r.ended_at is null
      order by p.ordinal`);
    return rows.flatMap(({ stored }) => {
      const { counted = [], tables = [] } = parseJson<Partial<StoredPass>>(stored);
      return counted.length > 0 ? counted : tables;
    });
  }

  async addNotes(run: number, notes: readonly Note[]): Promise<void> {
    for (const note of notes) {
      const added = JSON.stringify(note);
      await this.change(sql`
        update ${this.table('run')}
        set notes = json_insert(notes, '$[#]', json(${added}))
        where id = ${run} and not exists (select 1 from json_each(notes) as n where n.value = json(${added}))`);
    }
  }
}
