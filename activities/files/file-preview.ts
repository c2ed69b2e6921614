import { ValidationError } from '../../policy/issue.ts';
import type { PreviewQuery } from '../dialect/preview.ts';
import { toIsoInstant } from '../stored/instant.ts';
import type { StoredDeleteRecordedFiles, StoredSweepStrayFiles } from '../stored/pass.ts';
import type { ReportedRows } from '../stored/report.ts';
import type { FileScene } from './deleted-files.ts';
import { CHUNK, findDeletedFiles } from './deleted-files.ts';
import { makeExclusion } from './exclude.ts';
import type { FoundFile } from './find-files.ts';
import { findFiles } from './find-files.ts';
import type { Misread, MisreadPosition } from './find-misread.ts';
import { FIRST_PATH, findMisread } from './find-misread.ts';
import { isTooMany, UNREADABLE } from './find-strays.ts';
import { isTooManyMissing, MISSING } from './missing-files.ts';
import type { Root } from './open-root.ts';
import { assertNotEmpty, findRoot, withRoot } from './open-root.ts';
import { findRecordedKeysIn } from './recorded-keys.ts';

export type { FileScene };

/** What a pass would do with files. */
interface PreviewedFiles {
  readonly files: number;
  readonly bytes: number;
  readonly reported?: ReportedRows;
}

/** Of a pass that works on no files. */
export const NO_FILES: PreviewedFiles = { files: 0, bytes: 0 };

/** Looks at the files of a pass, after the rows. */
export type FilePreview = (scene: FileScene, root: Root) => Promise<PreviewedFiles>;

const TOO_MANY = 'they are more than maxStrayRatio allows: a run would remove none and fail';
const MISREAD = 'rows record them only in ways that a sweep cannot read: a run would remove none and fail';
const TOO_MANY_MISSING =
  'they are not there, which is more than maxMissingRatio allows: a run would remove none and fail';
const NOT_HERE = 'its root cannot be opened on this machine';

/** A preview is no slice that Temporal waits for. */
function sendNoHeartbeat(): void {}

/** Looks at the files of all passes, as a run would find them. Returns what each would do, by the name of the pass. */
export async function previewFiles(
  scene: FileScene,
  previews: readonly { readonly pass: string; readonly preview: FilePreview }[],
): Promise<ReadonlyMap<string, PreviewedFiles>> {
  const found = new Map<string, PreviewedFiles>();
  for (const { pass: name, preview } of previews) {
    const pass = scene.policy.passes.find((one) => one.name === name);
    if (pass === undefined || !('root' in pass)) continue;
    try {
      const root = findRoot(pass, pass.root.name);
      found.set(name, await withRoot(root, sendNoHeartbeat, async (opened) => preview(scene, opened)));
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      // A preview runs where the person is; files are where the worker is.
      const reported = { found: 0, resolved: 0, unresolved: { [NOT_HERE]: 1 }, oldest: null };
      found.set(name, { ...NO_FILES, reported });
    }
  }
  return found;
}

/** Counts the files of rows that earlier passes would delete, and those that wait since earlier runs. */
export function previewRecordedFiles(stored: StoredDeleteRecordedFiles, query: PreviewQuery): FilePreview {
  const { root, from, concurrency } = stored;
  const paths = query.lookForPaths(root, (pass) => from.includes(pass));
  return async (scene, opened) => {
    const { policy, hasLedger, now } = scene;
    const waiting = hasLedger ? { policy: policy.name, passes: from } : undefined;
    let files = 0;
    let bytes = 0;
    const found = await findDeletedFiles(
      scene,
      opened,
      { root, paths, waiting, concurrency },
      async (there) => {
        await assertNotEmpty(root.name, opened, undefined);
        for (const file of there) {
          if (file.modified > Date.parse(now)) continue;
          files += 1;
          bytes += file.bytes;
        }
      },
    );
    const tooMany = isTooManyMissing(stored, found);
    const unresolved: Record<string, number> = {};
    if (found.missing > 0) unresolved[tooMany ? TOO_MANY_MISSING : MISSING] = found.missing;
    for (const reason of found.refused) unresolved[reason] = (unresolved[reason] ?? 0) + 1;
    if (Object.keys(unresolved).length === 0) return { files, bytes };
    const others = Object.values(unresolved).reduce((sum, count) => sum + count, 0);
    const reported = { found: files + others, resolved: 0, unresolved, oldest: null };
    return tooMany ? { ...NO_FILES, reported } : { files, bytes, reported };
  };
}

/** Counts the files that no row records, with those whose rows earlier passes would delete without recording them. */
export function previewStrayFiles(stored: StoredSweepStrayFiles, query: PreviewQuery): FilePreview {
  const { root, horizon, exclude, concurrency, remove } = stored;
  const isExcluded = makeExclusion(exclude);
  const paths = query.lookForPaths(root, (_, records) => !records);
  const isOld = ({ modified }: FoundFile): boolean => modified < Date.parse(horizon);
  return async (scene, opened) => {
    const { tx, hasLedger, signal } = scene;
    // Sums only: a root may have any number of strays.
    let [files, found, bytes, oldest] = [0, 0, 0, Infinity];
    const add = (stray: FoundFile): void => {
      found += 1;
      bytes += stray.bytes;
      oldest = Math.min(oldest, stray.modified);
    };
    const addStrays = async (keys: readonly string[]): Promise<void> => {
      const there = await findFiles(opened, keys, concurrency);
      files += there.files.length;
      const old = there.files.filter(isOld);
      const written = old.map(({ key }) => ({ key, path: key }));
      const recorded = await findRecordedKeysIn(tx, opened.store, root, written, hasLedger);
      old.filter(({ key }) => !recorded.has(key)).forEach(add);
    };
    let keys: string[] = [];
    let unreadable = 0;
    const onUnreadable = (folder: string): void => {
      if (!isExcluded(folder)) unreadable += 1;
    };
    for await (const key of opened.open.list(null, onUnreadable)) {
      signal?.throwIfAborted();
      if (!isExcluded(key)) keys.push(key);
      if (keys.length < CHUNK) continue;
      await addStrays(keys);
      keys = [];
    }
    await addStrays(keys);
    await findDeletedFiles(scene, opened, { root, paths, concurrency }, async (deleted) => {
      deleted.filter((file) => isOld(file) && !isExcluded(file.key)).forEach(add);
    });
    const isTooLarge = remove && isTooMany(stored, { files, strays: found });
    const misread = remove && !isTooLarge ? await countMisread(scene, opened, stored) : 0;
    const refused = isTooLarge || misread > 0;
    const left = unreadable === 0 ? {} : { [UNREADABLE]: unreadable };
    if (remove && !refused) {
      if (unreadable === 0) return { files: found, bytes };
      const only = { found: unreadable, resolved: 0, unresolved: left, oldest: null };
      return { files: found, bytes, reported: only };
    }
    const reason = isTooLarge ? { [TOO_MANY]: found } : misread > 0 ? { [MISREAD]: misread } : {};
    const unresolved = { ...left, ...reason };
    const reported = {
      found: found + unreadable,
      resolved: 0,
      unresolved,
      oldest: toIsoInstant(oldest),
      bytes,
    };
    return { ...NO_FILES, reported };
  };
}

async function countMisread(
  { tx, signal }: FileScene,
  opened: Root,
  { root, concurrency }: StoredSweepStrayFiles,
): Promise<number> {
  let files = 0;
  for (let at: MisreadPosition | undefined = FIRST_PATH; at !== undefined;) {
    signal?.throwIfAborted();
    const found: Misread = await findMisread(tx, opened, root, concurrency, at);
    files += found.files + found.rows;
    at = found.next;
  }
  return files;
}
