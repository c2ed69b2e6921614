import { constants, existsSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, realpath, rmdir } from 'node:fs/promises';
import { basename } from 'node:path/posix';

import { FileRefused } from '../../policy/file-store.ts';
import { readErrno } from './errno.ts';

/** Linux lists open files here: a path through it leads to the folder that was opened, whatever links point at by then. */
const OPEN_FILES = '/proc/self/fd';

/** So many folders stay open for the next file. */
const MAX_OPEN = 64;

interface OpenFolder {
  /** A path to it that no link can redirect. */
  readonly base: string;
  readonly handle: FileHandle | undefined;
}

interface Entry {
  readonly opened: Promise<OpenFolder | undefined>;
  users: number;
}

/**
 * The folders below a root, opened name by name from the root without following a link. If the system does not list open
 * files, each use first checks that the path has no link.
 */
export class Folders {
  readonly #root: string;
  readonly #entries = new Map<string, Entry>();
  readonly #byHandle = existsSync(OPEN_FILES);

  /** `root` is its real path. */
  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Works inside a folder, `''` for the root itself; undefined if it is not there. Throws {@link FileRefused} if a link
   * is on the way.
   */
  async within<T>(folder: string, work: (base: string) => Promise<T>): Promise<T | undefined> {
    let entry = this.#entries.get(folder);
    if (entry === undefined) {
      entry = { opened: this.#open(folder), users: 0 };
      this.#entries.set(folder, entry);
    }
    // A folder in use is never closed: its number would soon be another folder's.
    entry.users += 1;
    try {
      const opened = await entry.opened;
      return opened === undefined ? undefined : await work(opened.base);
    } finally {
      entry.users -= 1;
      // A folder that could not be opened may be there the next time.
      const isUnusable = !this.#byHandle || (await isMissing(entry.opened));
      if (isUnusable && this.#entries.get(folder) === entry) this.#entries.delete(folder);
      if (this.#entries.size > MAX_OPEN) await this.#closeUnused(MAX_OPEN / 2);
    }
  }

  /**
   * Removes a folder if nothing is in it, and then those above it, up to the root, which stays. The system checks that a
   * folder is empty as it removes it. What cannot be removed stays, and the error is given to `onFailure`.
   */
  async removeEmpty(folder: string, onFailure: (error: unknown) => void): Promise<void> {
    for (let at = folder; at !== ''; at = findFolder(at)) {
      if ((this.#entries.get(at)?.users ?? 0) > 0) return;
      try {
        await this.within(findFolder(at), async (base) => rmdir(`${base}/${basename(at)}`));
      } catch (error) {
        const code = readErrno(error);
        // Another worker removed it, which may have left the one above.
        if (code !== 'ENOENT') {
          if (!IN_USE.has(code)) onFailure(error);
          return;
        }
      }
      // A folder of this name that somebody makes later is another one.
      await this.#forget(at);
    }
  }

  async #forget(folder: string): Promise<void> {
    const entry = this.#entries.get(folder);
    this.#entries.delete(folder);
    const found = await entry?.opened.catch(() => undefined);
    await found?.handle?.close();
  }

  async close(): Promise<void> {
    await this.#closeUnused(0);
  }

  async #open(folder: string): Promise<OpenFolder | undefined> {
    if (!this.#byHandle) return this.#verify(folder);
    if (folder === '') return openFolder(this.#root);
    return this.within(findFolder(folder), async (base) => openFolder(`${base}/${basename(folder)}`));
  }

  async #verify(folder: string): Promise<OpenFolder | undefined> {
    const base = folder === '' ? this.#root : `${this.#root}/${folder}`;
    try {
      if ((await realpath(base)) !== base) throw new FileRefused(BEHIND_LINK);
      return { base, handle: undefined };
    } catch (error) {
      if (MISSING.has(readErrno(error))) return undefined;
      throw error;
    }
  }

  async #closeUnused(keep: number): Promise<void> {
    for (const [folder, { opened, users }] of this.#entries) {
      if (this.#entries.size <= keep) return;
      // The root stays the one that was opened.
      if (users > 0 || (folder === '' && keep > 0)) continue;
      this.#entries.delete(folder);
      const found = await opened.catch(() => undefined);
      await found?.handle?.close();
    }
  }
}

/** The folder that a file or folder is in, by their keys; `''` for the root. */
export function findFolder(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}

/** Errors of a folder with something in it, or with a disk mounted at it. */
const IN_USE: ReadonlySet<string> = new Set(['ENOTEMPTY', 'EEXIST', 'EBUSY']);

const BEHIND_LINK = 'it lies behind a symbolic link';
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

async function openFolder(path: string): Promise<OpenFolder | undefined> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return { base: `${OPEN_FILES}/${handle.fd}`, handle };
  } catch (error) {
    const code = readErrno(error);
    if (code === 'ELOOP' || (code === 'ENOTDIR' && (await isLink(path)))) throw new FileRefused(BEHIND_LINK);
    if (MISSING.has(code)) return undefined;
    throw error;
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}

async function isMissing(opened: Promise<OpenFolder | undefined>): Promise<boolean> {
  return opened.then(
    (found) => found === undefined,
    () => true,
  );
}
