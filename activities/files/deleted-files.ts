import type { Policy } from '../../policy/policy.ts';
import type { Tx } from '../dialect/dialect.ts';
import type { DeletedPaths } from '../dialect/preview.ts';
import type { StoredRoot } from '../stored/pass.ts';
import type { FoundFile } from './find-files.ts';
import { findFiles } from './find-files.ts';
import type { MissingFiles } from './missing-files.ts';
import type { Root } from './open-root.ts';
import { readKey, toSpellings } from './recorded-keys.ts';

/** So many files are looked at together. */
export const CHUNK = 1000;

/** Where files are looked at: on the snapshot of the rows. */
export interface FileScene {
  readonly tx: Tx;
  readonly policy: Policy;
  /** The instant of the snapshot. */
  readonly now: string;
  /** The database has a ledger, in which files may wait. */
  readonly hasLedger: boolean;
  readonly signal: AbortSignal | undefined;
}

/** The files of rows that a preview counts as deleted. */
interface DeletedFiles {
  readonly root: StoredRoot;
  readonly paths: DeletedPaths;
  /** With the files that these passes recorded and that wait in the ledger. */
  readonly waiting?: { readonly policy: string; readonly passes: readonly string[] } | undefined;
  readonly concurrency: number;
}

/**
 * Finds the files of deleted rows, some at a time: those that are there and that no row records that stays, each once.
 * Returns how many paths are of missing files, and why others lead to no file that may be removed.
 */
export async function findDeletedFiles(
  scene: FileScene,
  opened: Root,
  deleted: DeletedFiles,
  work: (files: readonly FoundFile[]) => Promise<void>,
): Promise<MissingFiles & { readonly refused: readonly string[] }> {
  const { paths, waiting, concurrency } = deleted;
  const counted = new Set<string>();
  const refused: string[] = [];
  let [looked, missing] = [0, 0];
  scene.signal?.throwIfAborted();
  await paths.read(CHUNK, waiting, async (chunk) => {
    scene.signal?.throwIfAborted();
    const keys = chunk.map((path) => readKey(opened.store, path));
    const readable = new Set(keys.filter((key) => typeof key === 'string'));
    const found = await findFiles(opened, [...readable], concurrency);
    const { files } = found;
    refused.push(...keys.flatMap((key) => (typeof key === 'string' ? [] : [key.message])), ...found.refused);
    looked += found.looked;
    missing += found.missing.length;
    const otherwise = await findOtherSpellings(scene, opened, deleted, files, new Set(chunk));
    const stays = await findStillRecorded(opened, paths, otherwise);
    await work(
      files.filter(({ key }) => {
        if (!otherwise.has(key)) return true;
        if (stays.has(key) || counted.has(key)) return false;
        counted.add(key);
        return true;
      }),
    );
  });
  return { looked, missing, refused };
}

/** Finds the files that rows also record in other spellings than these paths: few, mostly none. */
async function findOtherSpellings(
  { tx, hasLedger }: FileScene,
  { store }: Root,
  { root }: DeletedFiles,
  files: readonly FoundFile[],
  paths: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const spellings = files.map(({ key }) => store.listSpellings(key).filter((text) => !paths.has(text)));
  const found = await tx.tables.findRecorded(root, toSpellings(spellings), hasLedger);
  return new Set([...found].map((file) => files[file]?.key ?? ''));
}

/** Those of some keys that a row records, in any spelling, that stays. */
async function findStillRecorded(
  { store }: Root,
  paths: DeletedPaths,
  keys: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const keyByText = new Map([...keys].flatMap((key) => store.listSpellings(key).map((text) => [text, key])));
  const recorded = await paths.findStillRecorded([...keyByText.keys()]);
  return new Set(recorded.map((path) => keyByText.get(path) ?? ''));
}
