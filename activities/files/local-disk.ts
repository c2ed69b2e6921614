import { lstat, opendir, realpath, stat, unlink } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { basename } from 'node:path/posix';

import { z } from 'zod';

import type { FileStore, OpenFileStore, StoredFile } from '../../policy/file-store.ts';
import { FileRefused, RootUnusable } from '../../policy/file-store.ts';
import { assertValid, ValidationError } from '../../policy/issue.ts';
import { FlagSchema, strictOptions } from '../../policy/strict-options.ts';
import { findIssues, formatValue, withFix } from '../../policy/zod-issues.ts';
import { readErrno } from './errno.ts';
import { findFolder, Folders } from './folders.ts';
import { Listings } from './listings.ts';

/** Options of {@link localDisk}. */
export interface LocalDiskOptions {
  /**
   * The name of a file that must be in the folder. If it is missing nothing is deleted and the pass fails: a disk that is
   * not mounted leaves an empty folder. Default: none.
   */
  readonly marker?: string;
  /**
   * Whether folders that removed files leave empty are removed, and those above them, up to the folder given here, which
   * stays. Default: false.
   */
  readonly removeEmptyFolders?: boolean;
}

const OptionsSchema = strictOptions({
  marker: withFix(
    z.string().min(1),
    'Name a file in the folder, or leave it out',
    (option, value) => `${option} is ${formatValue(value)}, which is no name of a file`,
  ).optional(),
  removeEmptyFolders: FlagSchema.optional(),
});

/**
 * Files in a folder of the worker's machine. The folder is given by its absolute path; rows may record files by their
 * path below it, or absolute with the folder as it is written here. Throws a `ValidationError` for a folder that is not
 * absolute, like one from a variable that is not set, and for the root of the disk.
 */
export function localDisk(folder: string, options: LocalDiskOptions = {}): FileStore {
  const given: unknown = folder;
  assertValid('localDisk', findIssues(OptionsSchema, options, 'localDisk'));
  if (typeof given !== 'string' || !isAbsolute(given) || resolve(given) === '/' || given.includes('\0')) {
    const what = 'its folder is no absolute path below the root of the disk';
    throw new ValidationError('localDisk', [
      { at: 'localDisk', what, fix: 'Write the folder from / on; check the variable that it comes from' },
    ]);
  }
  return new LocalDisk(resolve(given), options);
}

class LocalDisk implements FileStore {
  readonly #folder: string;
  readonly #options: LocalDiskOptions;
  readonly #listings = new Listings();
  /** The real path of the folder when it was opened: a program may have recorded paths with that. */
  #real: string;

  constructor(folder: string, options: LocalDiskOptions) {
    this.#folder = folder;
    this.#real = folder;
    this.#options = options;
  }

  toKey(path: string): string {
    return keyBelow(this.#folder, path);
  }

  listSpellings(key: string): readonly string[] {
    // Some systems compose letters and others do not: a row that differs only in that keeps its file.
    const keys = new Set([key, key.normalize('NFC'), key.normalize('NFD')]);
    const folders = [...new Set([this.#folder, this.#real])];
    return [...keys].flatMap((one) => [
      one,
      `./${one}`,
      // The second is for a folder that was configured with a slash at its end.
      ...folders.flatMap((folder) => [`${folder}/${one}`, `${folder}//${one}`]),
    ]);
  }

  async open(): Promise<OpenFileStore> {
    let folders: Folders | undefined;
    try {
      const root = await realpath(this.#folder);
      const { marker } = this.#options;
      if (!(await stat(root)).isDirectory()) throw new RootUnusable('it is no folder');
      folders = new Folders(root);
      this.#real = root;
      // All inside the folder that was opened: a disk that is mounted over it later is another folder.
      const rootId = await folders.within('', async (base) => {
        if (marker !== undefined) await lstat(`${base}/${marker}`).catch(refuseUnmounted);
        const { dev, ino } = await stat(`${base}/.`);
        return `${dev}:${ino}`;
      });
      if (rootId === undefined) throw new RootUnusable('its folder is not there any more');
      return new OpenLocalDisk(folders, rootId, this.#listings, this.#options);
    } catch (error) {
      await folders?.close();
      if (error instanceof RootUnusable) throw error;
      throw new RootUnusable(`its folder cannot be opened (${readErrno(error) || 'unknown error'})`);
    }
  }
}

function refuseUnmounted(error: unknown): never {
  throw new RootUnusable(
    `its marker is missing (${readErrno(error) || 'unknown error'}), as if no disk were mounted`,
  );
}

class OpenLocalDisk implements OpenFileStore {
  readonly rootId: string;
  readonly #folders: Folders;
  readonly #listings: Listings;
  readonly #marker: string | undefined;
  readonly removeEmptyFolders?: NonNullable<OpenFileStore['removeEmptyFolders']>;

  constructor(folders: Folders, rootId: string, listings: Listings, options: LocalDiskOptions) {
    this.#folders = folders;
    this.rootId = rootId;
    this.#listings = listings;
    this.#marker = options.marker;
    if (options.removeEmptyFolders !== true) return;
    this.removeEmptyFolders = async (keys, onFailure): Promise<void> => {
      for (const folder of new Set(keys.map(findFolder))) await folders.removeEmpty(folder, onFailure);
    };
  }

  async isEmpty(): Promise<boolean> {
    const found = await this.#folders.within('', async (base) => {
      const folder = await opendir(base);
      try {
        return (await folder.read()) === null;
      } finally {
        await folder.close();
      }
    });
    return found ?? true;
  }

  async look(key: string): Promise<StoredFile | undefined> {
    return this.#at(key, async (path) => {
      const found = await lstat(path);
      if (found.isSymbolicLink()) throw new FileRefused('it is a symbolic link');
      if (!found.isFile()) throw new FileRefused('it is no ordinary file');
      return { bytes: found.nlink > 1 ? 0 : found.size, modified: found.mtimeMs };
    });
  }

  async remove(key: string): Promise<boolean> {
    if (key === this.#marker) throw new FileRefused('it is the marker of its root');
    const removed = await this.#at(key, async (path) => {
      await unlink(path);
      return true;
    });
    return removed ?? false;
  }

  list(
    after: string | null,
    onUnreadable: (folder: string, error: unknown) => void = () => undefined,
  ): AsyncIterable<string> {
    return this.#listings.list(this.#folders, after, this.#marker, onUnreadable);
  }

  async close(): Promise<void> {
    await this.#folders.close();
  }

  /** Works on a file by a path that no link can redirect; undefined if nothing is there. */
  async #at<T>(key: string, work: (path: string) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#folders.within(findFolder(key), async (base) => work(`${base}/${basename(key)}`));
    } catch (error) {
      if (readErrno(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}

/** What file systems take, in bytes. */
const MAX_NAME_BYTES = 255;
const MAX_KEY_BYTES = 3500;

/**
 * The key of a path that a row records, below a folder: `/` between names, nothing empty. Looks at the text only. Throws
 * {@link FileRefused} for a path that leads out of the folder and for names that no file can have; refuses `..` even if it
 * leads back.
 */
function keyBelow(folder: string, path: string): string {
  const below = path.startsWith('/') ? withoutFolder(folder, path) : path;
  if (below.includes('\0')) throw new FileRefused('its path has a NUL');
  if (/(^|\/)\.?$/.test(below)) throw new FileRefused('its path names a folder');
  const names = below.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw new FileRefused('its path has ".."');
  // An unpaired surrogate would be written as another character, and name another file.
  if (!below.isWellFormed()) throw new FileRefused('its path is no text');
  const key = names.join('/');
  const tooLong = names.some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES);
  if (tooLong || Buffer.byteLength(key) > MAX_KEY_BYTES) throw new FileRefused('its path is too long');
  return key;
}

function withoutFolder(folder: string, path: string): string {
  if (path.startsWith(`${folder}/`)) return path.slice(folder.length + 1);
  throw new FileRefused('its path lies outside of the root');
}
