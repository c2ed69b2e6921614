import type { DeleteRecordedFiles } from '../../policy/delete-recorded-files.ts';
import type { Session } from '../dialect/dialect.ts';
import type { OutboxPart } from '../dialect/recorded-files.ts';
import { previewRecordedFiles } from '../files/file-preview.ts';
import type { FileWork } from '../files/file-work.ts';
import { assertNotMissing, countMissing } from '../files/missing-files.ts';
import { assertNotEmpty, findRoot, withRoot } from '../files/open-root.ts';
import { listPathIndexes } from '../files/path-indexes.ts';
import { recordFileResults } from '../files/record-file-results.ts';
import { measureFiles, removeFiles } from '../files/remove-files.ts';
import { FILES_PLAN, resolveRoot } from '../resolve/file-roots.ts';
import type { RecordedFilesCursor } from '../stored/cursor.ts';
import type { StoredDeleteRecordedFiles } from '../stored/pass.ts';
import type { BatchKind } from './pass.ts';

/** Files of a batch: enough that a commit for each batch is a small part of its time. */
const MAX_FILES = 1000;

const NOTHING: FileWork = { fileResults: [], measured: [], strays: [], cursor: null, done: true };

/**
 * Files of deleted rows. A batch removes the files that the one before has measured, and measures the next: the size of a
 * file is in the ledger before the file is removed.
 */
export const deleteRecordedFilesKind: BatchKind<DeleteRecordedFiles, StoredDeleteRecordedFiles> = {
  kind: 'deleteRecordedFiles',

  entities: ({ root }) => root.recordedBy.map(({ entity }) => entity),

  resolve(pass, scope) {
    const root = resolveRoot(pass.root, scope);
    const table = root?.recordedBy[0]?.table;
    if (root === undefined || table === undefined) return undefined;
    const { from, maxMissingRatio, concurrency } = pass;
    const basics = { table, counted: [], rowsPerParent: 1 };
    return { kind: 'deleteRecordedFiles', ...basics, from, root, maxMissingRatio, concurrency };
  },

  plan: () => FILES_PLAN,

  preview: () => undefined,

  previewFiles: (stored, query) => previewRecordedFiles(stored, query),

  wantedIndexes: ({ root }) => listPathIndexes(root),

  evidence: ({ root }) => root.recordedBy.map(({ table }) => table),

  async prepare(stored, cursor, { session, pass, outbox, signal, heartbeat, debug }) {
    const { root, from: passes, concurrency } = stored;
    const part: OutboxPart = { outbox, passes, root: root.name };
    const from = cursor !== null && 'waiting' in cursor ? cursor.waiting : await findStart(session, part);
    if (from === undefined) return NOTHING;
    return withRoot(findRoot(pass, root.name), heartbeat, async (opened) => {
      const at = { ...from, rootId: await assertNotEmpty(root.name, opened, from.rootId) };
      const options = { concurrency, signal, debug };
      const { recordedFiles } = session.ledger;
      // Once, before anything is removed: later a file that two rows record may be missing because of this pass.
      if (cursor === null) {
        const sample = await recordedFiles.readSample(part, from.upto, MAX_FILES);
        assertNotMissing(stored, await countMissing(opened, sample, concurrency));
      }
      const started = await recordedFiles.readStarted(part, at.after, MAX_FILES);
      const fileResults = await removeFiles(session, opened, root, started, options);
      const stays: FileWork = { ...NOTHING, fileResults, cursor: { waiting: at }, done: false };
      if (fileResults.length < started.length) return stays;
      const files = await recordedFiles.readNext(part, at, MAX_FILES);
      const next = await measureFiles(opened, files, options);
      const after = files[next.looked - 1]?.id ?? at.after;
      return {
        ...stays,
        fileResults: [...fileResults, ...next.results],
        measured: next.measured,
        cursor: { waiting: { ...at, after } },
        done: next.measured.length === 0 && next.looked === files.length && files.length < MAX_FILES,
      };
    });
  },

  async runBatch({ root }, tx, { prepared, outbox }) {
    if (prepared === undefined || !('fileResults' in prepared))
      throw new Error('a batch of files was not prepared');
    return recordFileResults(tx, outbox, root.name, prepared, 'postpone');
  },
};

/** Before the first of all that wait by now; what a later pass records is for the next run. */
async function findStart(
  session: Session,
  part: OutboxPart,
): Promise<RecordedFilesCursor['waiting'] | undefined> {
  const bounds = await session.ledger.recordedFiles.findBounds(part);
  if (bounds === undefined) return undefined;
  const from = String(BigInt(bounds.first) - 1n);
  return { from, after: from, upto: bounds.last };
}
