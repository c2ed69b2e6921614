import { sql } from 'kysely';

import type { PreviewedPass } from '../../stored/report.ts';
import type { RunOwner } from '../../stored/run.ts';
import type { PreviewStore } from '../ledger-store.ts';
import type { LedgerSql } from './ledger-sql.ts';

/** Previews, which are runs that ended. */
export class SqlPreviewStore implements PreviewStore {
  readonly #sql: LedgerSql;

  constructor(dialect: LedgerSql) {
    this.#sql = dialect;
  }

  async find(owner: RunOwner, policy: string): Promise<number | undefined> {
    const [row] = await this.#sql.rows(sql<{ id: number }>`
      select id
      from ${this.#sql.table('run')}
      where
        workflow_id = ${owner.workflowId} and first_run_id = ${owner.firstRunId}
        and policy = ${policy} and mode = 'preview'`);
    return row?.id;
  }

  async insert(owner: RunOwner, policy: string, startedAt: string): Promise<number> {
    const [row] = await this.#sql.rows(sql<{ id: number }>`
      insert into ${this.#sql.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, started_at, ended_at)
      values (
        ${policy}, 'preview', 'completed', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal}, '{}',
        ${this.#sql.instant(startedAt)}, ${this.#sql.now()})
      returning id`);
    return row?.id ?? 0;
  }

  async insertPass(run: number, ordinal: number, pass: PreviewedPass): Promise<void> {
    await this.#sql.change(sql`
      insert into ${this.#sql.table('pass')} (
        run_id, ordinal, name, kind, status, rows, deleted, moved, held, blocked, scan, shards, estimate, reported,
        settings_hash, files, bytes, horizon)
      values (
        ${run}, ${ordinal}, ${pass.name}, ${pass.kind}, ${pass.applicable ? 'previewed' : 'not-applicable'},
        ${pass.rows}, ${this.#sql.json(pass.deleted)}, ${pass.moved}, ${pass.held}, ${pass.blocked}, ${pass.plan.scan},
        ${this.#sql.json(pass.plan.shards)}, ${pass.plan.estimate},
        ${this.#sql.json(pass.reported ?? undefined)}, ${pass.settingsHash},
        ${pass.files}, ${pass.bytes}, ${this.#sql.instant(pass.horizon)})`);
  }
}
