import type { FileWork } from '../files/file-work.ts';
import type { BatchOutcome, ReportedRows } from '../passes/pass.ts';
import { forget, keepMeasured, postpone, recordStrays } from '../sql/outbox.ts';
import type { Outbox } from '../sql/recording.ts';
import type { Tx } from '../sql/transaction.ts';

/** Whether files that could not be removed wait for the next run, or are found again by it. */
export type OfFailed = 'postpone' | 'forget';

/** Writes down what was done with files, and what is to be done with the next ones. */
export async function settleFiles(
  tx: Tx,
  outbox: Outbox,
  root: string,
  { settled, measured, strays, found, cursor, end }: FileWork,
  ofFailed: OfFailed,
): Promise<BatchOutcome> {
  const failed = settled.filter((file) => file.failed === true && ofFailed === 'postpone');
  const done = settled.filter((file) => !failed.includes(file));
  await forget(
    tx,
    outbox,
    done.map(({ id }) => id),
  );
  await postpone(
    tx,
    outbox,
    failed.map(({ id, reason = '' }) => ({ id, reason })),
  );
  await keepMeasured(tx, outbox, measured);
  await recordStrays(tx, outbox, root, strays);
  const removed = settled.flatMap((file) => (file.removed === null ? [] : [file.removed]));
  return {
    cursor,
    end,
    taken: 0,
    skipped: 0,
    moved: 0,
    files: removed.length,
    bytes: removed.reduce((sum, bytes) => sum + bytes, 0),
    reported: found ?? reportOf(settled),
  };
}

/** What was found: files that were removed or gone already, and why the others are left. */
function reportOf(settled: FileWork['settled']): ReportedRows {
  const unresolved: Record<string, number> = {};
  for (const { reason } of settled) {
    if (reason !== undefined) unresolved[reason] = (unresolved[reason] ?? 0) + 1;
  }
  const resolved = settled.filter(({ reason }) => reason === undefined).length;
  return { found: settled.length, resolved, unresolved, oldest: null };
}
