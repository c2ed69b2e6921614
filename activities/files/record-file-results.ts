import type { Tx } from '../dialect/dialect.ts';
import type { Outbox } from '../dialect/rows.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { ReportedRows } from '../stored/report.ts';
import type { FileResult, FileWork } from './file-work.ts';

/** What a batch did with files, as its outcome. */
interface FileOutcome {
  readonly cursor: Cursor;
  readonly done: boolean;
  readonly taken: 0;
  readonly skipped: 0;
  readonly moved: 0;
  readonly files: number;
  readonly bytes: number;
  readonly reported: ReportedRows;
}

/**
 * Records what was done with files, and which ones the next batch removes. Files that could not be removed wait for the
 * next run or are forgotten, since the next run finds them again.
 */
export async function recordFileResults(
  tx: Tx,
  outbox: Outbox,
  root: string,
  { fileResults, measured, strays, found, left, cursor, done }: FileWork,
  onFailure: 'postpone' | 'forget',
): Promise<FileOutcome> {
  const { recordedFiles } = tx.ledger;
  const failed = fileResults.filter((file) => file.failed === true && onFailure === 'postpone');
  await recordedFiles.forget(fileResults.filter((file) => !failed.includes(file)).map(({ id }) => id));
  await recordedFiles.postpone(failed.map(({ id, reason = '' }) => ({ id, reason })));
  await recordedFiles.recordSizes(measured);
  await recordedFiles.recordStrays(outbox, root, strays);
  const removed = fileResults.flatMap((file) => (file.removed === null ? [] : [file.removed]));
  return {
    cursor,
    done,
    taken: 0,
    skipped: 0,
    moved: 0,
    files: removed.length,
    bytes: removed.reduce((sum, bytes) => sum + bytes, 0),
    reported: found ?? countResults(fileResults, left),
  };
}

/** Counts files that were removed or not there any more, and the others by the reason why they stay. */
function countResults(
  results: readonly FileResult[],
  left: Readonly<Record<string, number>> = {},
): ReportedRows {
  const unresolved: Record<string, number> = { ...left };
  for (const { reason } of results) {
    if (reason !== undefined) unresolved[reason] = (unresolved[reason] ?? 0) + 1;
  }
  const resolved = results.filter(({ reason }) => reason === undefined).length;
  const others = Object.values(left).reduce((sum, count) => sum + count, 0);
  return { found: results.length + others, resolved, unresolved, oldest: null };
}
