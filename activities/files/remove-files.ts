import type { StoredFile } from '../../policy/file-store.ts';
import type { Session } from '../dialect/dialect.ts';
import type { RecordedFile } from '../dialect/recorded-files.ts';
import type { StoredRoot } from '../stored/pass.ts';
import type { FileOptions, FileResult } from './file-work.ts';
import { mapFiles } from './map-files.ts';
import { MISSING } from './missing-files.ts';
import type { Root } from './open-root.ts';
import { findRecordedKeys, readKey } from './recorded-keys.ts';

/** What rows say of files counts for so long, in milliseconds: a worker may be suspended for hours. */
const FRESH_MILLIS = 10_000;

const STILL_USED = 'a row records it';
const CHANGED = 'it was changed after its row was deleted';
const CHANGED_MEANWHILE = 'it was changed meanwhile';

/** Recorded files that were measured. */
interface MeasuredFiles {
  /** They are there, and the next batch removes them: the ledger records their sizes before. */
  readonly measured: readonly { readonly id: string; readonly bytes: number }[];
  /** They need nothing more, or cannot be worked on. */
  readonly results: readonly FileResult[];
  /** How many files were looked at: the first of them. */
  readonly looked: number;
}

/**
 * Measures the recorded files that are there. Removes none, and does not check whether rows record them: that counts when
 * they are removed.
 */
export async function measureFiles(
  root: Root,
  files: readonly RecordedFile[],
  { concurrency, signal, debug }: FileOptions,
): Promise<MeasuredFiles> {
  const keys = files.map(({ path }) => readKey(root.store, path));
  const attempts = await mapFiles(
    keys,
    concurrency,
    () => !signal.aborted,
    async (key) => {
      if (typeof key !== 'string') throw key;
      return root.open.look(key);
    },
    debug,
  );
  const measured: { id: string; bytes: number }[] = [];
  const results: FileResult[] = [];
  const started = new Set<string>();
  for (const [n, attempt] of attempts.entries()) {
    const file = files[n] as RecordedFile;
    const { id } = file;
    const key = String(keys[n]);
    if ('reason' in attempt) results.push({ id, removed: null, reason: attempt.reason, failed: true });
    // If it was measured, an attempt removed it that died before it could record that.
    else if (attempt.value === undefined && file.bytes !== null) results.push({ id, removed: file.bytes });
    else if (attempt.value === undefined) results.push({ id, removed: null, reason: MISSING });
    else if (isYounger(attempt.value, file)) results.push({ id, removed: null, reason: CHANGED });
    else if (started.has(key)) results.push({ id, removed: null });
    else {
      started.add(key);
      measured.push({ id, bytes: attempt.value.bytes });
    }
  }
  return { measured, results, looked: attempts.length };
}

/** If a path is used again, its file is younger than the delete of the row. */
function isYounger({ modified }: StoredFile, { recordedAt }: RecordedFile): boolean {
  return modified > recordedAt;
}

/**
 * Removes measured files. Their sizes are in the ledger already, so that a file that is not there any more counts as
 * removed, whichever attempt did it. Checks again whether a row records them, and looks at each file right before its
 * removal. Returns the results of the first files, as many as there was time for.
 *
 * With `unchangedSince`, in milliseconds since the epoch, files changed at that instant or later stay; by default those
 * changed after their row was deleted.
 */
export async function removeFiles(
  session: Session,
  { store, open }: Root,
  root: StoredRoot,
  files: readonly RecordedFile[],
  { concurrency, signal, debug, unchangedSince }: FileOptions & { readonly unchangedSince?: number },
): Promise<FileResult[]> {
  if (files.length === 0) return [];
  const keys = files.map(({ path }) => readKey(store, path));
  const written = files.flatMap(({ path }, n) => {
    const key = keys[n];
    return typeof key === 'string' ? [{ key, path }] : [];
  });
  const used = await findRecordedKeys(session, store, root, written, false);
  const until = performance.now() + FRESH_MILLIS;
  const findChange = (found: StoredFile, file: RecordedFile): string | undefined => {
    if (unchangedSince === undefined) return isYounger(found, file) ? CHANGED : undefined;
    return found.modified >= unchangedSince ? CHANGED_MEANWHILE : undefined;
  };
  const attempts = await mapFiles(
    files.map((file, n) => ({ file, key: keys[n] })),
    concurrency,
    () => !signal.aborted && performance.now() < until,
    async ({ file, key }) => {
      if (typeof key !== 'string') throw key;
      if (used.has(key)) return STILL_USED;
      const found = await open.look(key);
      if (found === undefined) return undefined;
      const reason = findChange(found, file);
      if (reason === undefined) await open.remove(key);
      return reason;
    },
    debug,
  );
  const removed = attempts.flatMap((attempt, n) => {
    const key = keys[n];
    return 'value' in attempt && attempt.value === undefined && typeof key === 'string' ? [key] : [];
  });
  // Those of files that an attempt removed before it died are tried again as well.
  await open.removeEmptyFolders?.(removed, debug);
  return attempts.map((attempt, n) => {
    const { id, bytes } = files[n] as RecordedFile;
    if ('reason' in attempt) return { id, removed: null, reason: attempt.reason, failed: true };
    return attempt.value === undefined
      ? { id, removed: bytes ?? 0 }
      : { id, removed: null, reason: attempt.value };
  });
}
