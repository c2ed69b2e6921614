import { sql } from 'kysely';

import { NOT_MEASURED } from '../../../stored/backlog.ts';
import type { TableName } from '../../../stored/columns.ts';
import type { StoredPass } from '../../../stored/pass.ts';
import type { Note } from '../../../stored/report.ts';
import type { OpenPass, OpenRun, RunOwner, RunPass, RunSettings, RunStatus } from '../../../stored/run.ts';
import type { RunStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

/** Runs and their passes. */
export class PostgresRunStore extends LedgerPart implements RunStore {
  async findOpen(policy: string): Promise<OpenRun | undefined> {
    const { rows } = await sql<OpenRun>`
      select
        id, policy, settings,
        workflow_id as "workflowId", first_run_id as "firstRunId", temporal,
        to_json(started_at) #>> '{}' as "startedAt"
      from ${this.table('run')}
      where policy = ${policy} and ended_at is null`.execute(this.db);
    return rows[0];
  }

  async listOpenPolicies(): Promise<string[]> {
    const { rows } = await sql<{ policy: string }>`
      select policy from ${this.table('run')} where ended_at is null order by policy`.execute(this.db);
    return rows.map(({ policy }) => policy);
  }

  async findWorkflow(run: number): Promise<string | undefined> {
    const { rows } = await sql<{ workflowId: string }>`
      select workflow_id as "workflowId" from ${this.table('run')} where id = ${run}`.execute(this.db);
    return rows[0]?.workflowId;
  }

  async findLastOf(workflowId: string): Promise<number | undefined> {
    const { rows } = await sql<{ id: number | null }>`
      select max(id) as id from ${this.table('run')} where workflow_id = ${workflowId}`.execute(this.db);
    return rows[0]?.id ?? undefined;
  }

  async insert(
    owner: RunOwner,
    settings: RunSettings,
    startedAt: string,
  ): Promise<OpenRun['id'] | undefined> {
    const { rows } = await sql<Pick<OpenRun, 'id'>>`
      insert into ${this.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, started_at)
      values (
        ${settings.plan.policy}, 'execute', 'running', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal},
        ${JSON.stringify(settings)}::jsonb, ${startedAt}::timestamptz)
      on conflict (policy) where ended_at is null do nothing
      returning id`.execute(this.db);
    return rows[0]?.id;
  }

  async insertGuarded(owner: RunOwner, settings: RunSettings, reasons: readonly string[]): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      insert into ${this.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, reasons, started_at, ended_at)
      values (
        ${settings.plan.policy}, 'execute', 'stopped-by-guard', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal},
        ${JSON.stringify(settings)}::jsonb, ${JSON.stringify(reasons)}::jsonb, now(), now())
      returning id`.execute(this.db);
    return rows[0]?.id ?? 0;
  }

  async insertPass(
    run: number,
    ordinal: number,
    { name, kind, stored, plan, settingsHash, before }: RunPass,
  ): Promise<void> {
    const backlog = before === undefined ? null : JSON.stringify({ ...NOT_MEASURED, before: before.backlog });
    await sql`
      insert into ${this.table('pass')}
        (run_id, ordinal, name, kind, status, scan, shards, stored, horizon, estimate, settings_hash, backlog)
      values (
        ${run}, ${ordinal}, ${name}, ${kind}, ${stored === null ? 'not-applicable' : 'planned'},
        ${plan.scan}, ${JSON.stringify(plan.shards)}::jsonb, ${JSON.stringify(stored ?? {})}::jsonb,
        ${stored?.horizon ?? null}::timestamptz, ${plan.estimate}, ${settingsHash}, ${backlog}::jsonb)`.execute(
      this.db,
    );
  }

  async readPass(run: number, ordinal: number): Promise<OpenPass | undefined> {
    const { rows } = await sql<OpenPass>`
      select name, stored, shards
      from ${this.table('pass')}
      where run_id = ${run} and ordinal = ${ordinal}`.execute(this.db);
    return rows[0];
  }

  async storeRenewed(run: number, ordinal: number, stored: StoredPass): Promise<void> {
    await sql`
      update ${this.table('pass')}
      set stored = ${JSON.stringify(stored)}::jsonb
      where run_id = ${run} and ordinal = ${ordinal}`.execute(this.db);
  }

  async close(run: number, status: RunStatus, reasons: readonly string[]): Promise<boolean> {
    const { rows } = await sql<{ id: number }>`
      update ${this.table('run')}
      set
        status = ${status},
        ended_at = clock_timestamp(),
        reasons = ${JSON.stringify(reasons)}::jsonb
      where id = ${run} and ended_at is null
      returning id`.execute(this.db);
    return rows.length > 0;
  }

  async readUsage(run: number): Promise<{ readonly rows: number; readonly millis: number }> {
    const { rows } = await sql<{ rows: number; millis: number }>`
      select
        (select coalesce(sum(rows), 0) from ${this.table('batch')} where run_id = ${run}) as rows,
        (1000 * extract(epoch from clock_timestamp() - started_at))::float8 as millis
      from ${this.table('run')}
      where id = ${run}`.execute(this.db);
    return rows[0] ?? { rows: 0, millis: 0 };
  }

  async hasDeletedFrom(run: number, label: string): Promise<boolean> {
    const { rows } = await sql<{ has: boolean }>`
      select exists (
        select from ${this.table('batch')}
        where run_id = ${run} and deleted ? ${label}
      ) as has`.execute(this.db);
    return rows[0]?.has === true;
  }

  async readTables(run: number): Promise<TableName[]> {
    const { rows } = await sql<{ stored: Partial<StoredPass> }>`
      select p.stored
      from ${this.table('pass')} as p
      join ${this.table('run')} as r on r.id = p.run_id
      where r.id = ${run} and r.ended_at is null
      order by p.ordinal`.execute(this.db);
    return rows.flatMap(({ stored: { counted = [], tables = [] } }) =>
      counted.length > 0 ? counted : tables,
    );
  }

  async addNotes(run: number, notes: readonly Note[]): Promise<void> {
    for (const note of notes) {
      const added = JSON.stringify([note]);
      await sql`
        update ${this.table('run')}
        set notes = notes || ${added}::jsonb
        where id = ${run} and not notes @> ${added}::jsonb`.execute(this.db);
    }
  }
}
