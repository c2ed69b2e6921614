import type { Kysely } from 'kysely';

import type { DeleteRecordedFiles } from '../../policy/delete-recorded-files.ts';
import type { Cursor } from '../batch/cursor.ts';
import type { Outside, Prepared } from '../batch/outside.ts';
import { settleFiles } from '../batch/settle-files.ts';
import { beginRemoval } from '../files/begin-removal.ts';
import type { FileWork, WaitingCursor } from '../files/file-work.ts';
import { inRoot, refuseEmpty, rootOf } from '../files/in-root.ts';
import { removeBegun } from '../files/remove-begun.ts';
import { FILES_PLAN, freezeRoot } from '../plan/freeze-root.ts';
import type { Scope } from '../plan/scope.ts';
import { lookAtRecorded } from '../preview/files.ts';
import type { PreviewScript } from '../preview/script.ts';
import type { FrozenRoot } from '../sql/known-files.ts';
import { begunWaiting, boundsOf, nextWaiting } from '../sql/outbox.ts';
import type { OutboxPart } from '../sql/outbox.ts';
import type { Tx } from '../sql/transaction.ts';
import type { BatchOutcome, BatchStep, FrozenPass, PassWork } from './pass.ts';

/** A `deleteRecordedFiles` pass as a run keeps it. */
export interface FrozenDeleteRecordedFiles extends FrozenPass {
  readonly kind: 'deleteRecordedFiles';
  readonly from: readonly string[];
  readonly root: FrozenRoot;
  readonly concurrency: number;
}

/** Files of a batch: enough that a commit for each batch is a small part of its time. */
const MOST_FILES = 1000;

const NOTHING: FileWork = { settled: [], measured: [], strays: [], cursor: null, end: true };

/**
 * Files of deleted rows. A batch removes the files that the one before has measured, and measures the next: what a file
 * gives back is in the ledger before the file goes.
 */
export const deleteRecordedFilesWork: PassWork<DeleteRecordedFiles, FrozenDeleteRecordedFiles> = {
  kind: 'deleteRecordedFiles',

  freeze(pass: DeleteRecordedFiles, scope: Scope): FrozenDeleteRecordedFiles | undefined {
    const root = freezeRoot(pass.root, scope);
    const table = root?.recordedBy[0]?.table;
    if (root === undefined || table === undefined) return undefined;
    const { from, concurrency } = pass;
    return { kind: 'deleteRecordedFiles', table, counted: [], familySize: 1, from, root, concurrency };
  },

  plan: () => FILES_PLAN,

  preview(frozen: FrozenDeleteRecordedFiles, script: PreviewScript): void {
    script.lookAtFiles(lookAtRecorded(frozen, script));
  },

  async prepare(
    frozen: FrozenDeleteRecordedFiles,
    db: Kysely<unknown>,
    cursor: Cursor,
    outside: Outside,
  ): Promise<Prepared> {
    const { root, from: passes, concurrency } = frozen;
    const waiting: OutboxPart = { outbox: outside.outbox, passes, root: root.name };
    const from = cursor !== null && 'waiting' in cursor ? cursor.waiting : await beginOf(db, waiting);
    if (from === undefined) return NOTHING;
    return inRoot(rootOf(outside.pass, root.name), outside.heartbeat, async (opened) => {
      const at = { ...from, place: await refuseEmpty(root.name, opened, from.place) };
      const removing = { concurrency, signal: outside.signal, debug: outside.debug };
      const begun = await begunWaiting(db, waiting, at.after, MOST_FILES);
      const settled = await removeBegun(db, opened, root, begun, removing);
      const stays: FileWork = { ...NOTHING, settled, cursor: { waiting: at }, end: false };
      if (settled.length < begun.length) return stays;
      const files = await nextWaiting(db, waiting, at, MOST_FILES);
      const next = await beginRemoval(opened, files, removing);
      const after = files[next.looked - 1]?.id ?? at.after;
      return {
        ...stays,
        settled: [...settled, ...next.settled],
        measured: next.measured,
        cursor: { waiting: { ...at, after } },
        end: next.measured.length === 0 && next.looked === files.length && files.length < MOST_FILES,
      };
    });
  },

  async runBatch(frozen: FrozenDeleteRecordedFiles, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    const { prepared } = step;
    if (prepared === undefined || !('settled' in prepared))
      throw new Error('a batch of files was not prepared');
    return settleFiles(tx, step.outbox, frozen.root.name, prepared, 'postpone');
  },
};

/** Before the first of all that wait by now; what a later pass records is of the next run. */
async function beginOf(
  db: Kysely<unknown>,
  waiting: OutboxPart,
): Promise<WaitingCursor['waiting'] | undefined> {
  const bounds = await boundsOf(db, waiting);
  if (bounds === undefined) return undefined;
  const from = String(BigInt(bounds.first) - 1n);
  return { from, after: from, upto: bounds.last };
}
