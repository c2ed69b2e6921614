import { sql } from 'kysely';

import type { PassKind } from '../../policy/pass.ts';
import type { PassPlan, ReportedRows } from '../passes/index.ts';
import { inTransaction } from '../sql/transaction.ts';
import type { Ledger } from './ledger.ts';
import type { RunOwner } from './runs.ts';

/** What a pass would delete, and the pointers that it would move, per table. */
export interface PreviewedPass {
  readonly name: string;
  readonly kind: PassKind;
  /** How a run would walk. */
  readonly plan: PassPlan;
  readonly applicable: boolean;
  readonly deleted: Readonly<Record<string, number>>;
  readonly moved: number;
  /** Rows that would go but for a hold. */
  readonly held: number;
  /** What it would report; null where the pass reports nothing. */
  readonly reported: ReportedRows | null;
  /** From when to when the rows of the pass's own table are that would go, by its age; ISO 8601, null where none is. */
  readonly oldest: string | null;
  readonly newest: string | null;
  /** Rows that would be deleted in all tables. */
  readonly rows: number;
  /** Files that would go, and what they measure. */
  readonly files: number;
  readonly bytes: number;
  /** What decides which rows the pass deletes: see `hashOf`. Null where it is not applicable. */
  readonly settingsHash: string | null;
}

/** Keeps a preview as a run that is over; the number of the run. Once for a workflow, however often it is tried. */
export async function insertPreview(
  ledger: Ledger,
  owner: RunOwner,
  policy: string,
  startedAt: string,
  passes: readonly PreviewedPass[],
): Promise<number> {
  return inTransaction(ledger.db, { lockMillis: 10_000, statementMillis: 30_000 }, async (tx) => {
    const { rows: earlier } = await sql<{ id: number }>`
      select id
      from ${ledger.table('run')}
      where
        workflow_id = ${owner.workflowId} and first_run_id = ${owner.firstRunId}
        and policy = ${policy} and mode = 'preview'`.execute(tx);
    if (earlier[0] !== undefined) return earlier[0].id;
    const { rows } = await sql<{ id: number }>`
      insert into ${ledger.table('run')}
        (policy, mode, state, workflow_id, first_run_id, temporal, settings, started_at, ended_at)
      values (
        ${policy}, 'preview', 'completed', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal}, '{}',
        ${startedAt}::timestamptz, clock_timestamp())
      returning id`.execute(tx);
    const run = rows[0]?.id ?? 0;
    for (const [ordinal, pass] of passes.entries()) {
      await sql`
        insert into ${ledger.table('pass')} (
          run_id, ordinal, name, kind, state, rows, deleted, moved, held, strategy, shards, estimate, reported,
          settings_hash, files, bytes, oldest, newest)
        values (
          ${run}, ${ordinal}, ${pass.name}, ${pass.kind}, ${pass.applicable ? 'previewed' : 'not-applicable'}, ${pass.rows},
          ${JSON.stringify(pass.deleted)}::jsonb, ${pass.moved}, ${pass.held}, ${pass.plan.strategy},
          ${JSON.stringify(pass.plan.shards)}::jsonb, ${pass.plan.estimate},
          ${pass.reported === null ? null : JSON.stringify(pass.reported)}::jsonb, ${pass.settingsHash},
          ${pass.files}, ${pass.bytes}, ${pass.oldest}::timestamptz, ${pass.newest}::timestamptz)`.execute(
        tx,
      );
    }
    return run;
  });
}
