import { sql } from 'kysely';

import type { PreviewedPass } from '../../../stored/report.ts';
import type { RunOwner } from '../../../stored/run.ts';
import type { PreviewStore } from '../../ledger-store.ts';
import { LedgerPart } from './ledger-part.ts';

/** Previews, which are runs that ended. */
export class PostgresPreviewStore extends LedgerPart implements PreviewStore {
  async find(owner: RunOwner, policy: string): Promise<number | undefined> {
    const { rows } = await sql<{ id: number }>`
      select id
      from ${this.table('run')}
      where
        workflow_id = ${owner.workflowId} and first_run_id = ${owner.firstRunId}
        and policy = ${policy} and mode = 'preview'`.execute(this.db);
    return rows[0]?.id;
  }

  async insert(owner: RunOwner, policy: string, startedAt: string): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      insert into ${this.table('run')}
        (policy, mode, status, workflow_id, first_run_id, temporal, settings, started_at, ended_at)
      values (
        ${policy}, 'preview', 'completed', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal}, '{}',
        ${startedAt}::timestamptz, clock_timestamp())
      returning id`.execute(this.db);
    return rows[0]?.id ?? 0;
  }

  async insertPass(run: number, ordinal: number, pass: PreviewedPass): Promise<void> {
    await sql`
      insert into ${this.table('pass')} (
        run_id, ordinal, name, kind, status, rows, deleted, moved, held, blocked, scan, shards, estimate, reported,
        settings_hash, files, bytes, horizon)
      values (
        ${run}, ${ordinal}, ${pass.name}, ${pass.kind}, ${pass.applicable ? 'previewed' : 'not-applicable'},
        ${pass.rows}, ${JSON.stringify(pass.deleted)}::jsonb, ${pass.moved}, ${pass.held},
        ${pass.blocked}, ${pass.plan.scan},
        ${JSON.stringify(pass.plan.shards)}::jsonb, ${pass.plan.estimate},
        ${pass.reported === null ? null : JSON.stringify(pass.reported)}::jsonb, ${pass.settingsHash},
        ${pass.files}, ${pass.bytes}, ${pass.horizon}::timestamptz)`.execute(this.db);
  }
}
