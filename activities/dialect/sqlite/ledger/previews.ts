import { sql } from 'kysely';

import type { PreviewedPass } from '../../../stored/report.ts';
import type { RunOwner } from '../../../stored/run.ts';
import type { PreviewStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

/** Previews, which are runs that ended. */
export class SqlitePreviewStore extends LedgerPart implements PreviewStore {
  async find(owner: RunOwner, policy: string): Promise<number | undefined> {
    const [row] = await this.rows(sql<{ id: number }>`
      select id
      from ${this.table('run')}
      where
        workflow_id = ${owner.workflowId} and first_run_id = ${owner.firstRunId}
        and policy = ${policy} and mode = 'preview'`);
    return row?.id;
  }

  async insert(owner: RunOwner, policy: string, startedAt: string): Promise<number> {
    const [row] = await this.rows(sql<{ id: number }>`
      insert into ${this.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, started_at, ended_at)
      values (
        ${policy}, 'preview', 'completed', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal}, '{}',
        ${Date.parse(startedAt)}, ${Date.now()})
      returning id`);
    return row?.id ?? 0;
  }

  async insertPass(run: number, ordinal: number, pass: PreviewedPass): Promise<void> {
    await this.change(sql`
      insert into ${this.table('pass')} (
        run_id, ordinal, name, kind, status, rows, deleted, moved, held, blocked, scan, shards, estimate, reported,
        settings_hash, files, bytes, horizon)
      values (
        ${run}, ${ordinal}, ${pass.name}, ${pass.kind}, ${pass.applicable ? 'previewed' : 'not-applicable'},
        ${pass.rows}, ${JSON.stringify(pass.deleted)}, ${pass.moved}, ${pass.held}, ${pass.blocked}, ${pass.plan.scan},
        ${JSON.stringify(pass.plan.shards)}, ${pass.plan.estimate},
        ${pass.reported === null ? null : JSON.stringify(pass.reported)}, ${pass.settingsHash},
        ${pass.files}, ${pass.bytes}, ${pass.horizon === null ? null : Date.parse(pass.horizon)})`);
  }
}
