import { constants, existsSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, realpath } from 'node:fs/promises';

import { FileRefused } from '../../policy/file-store.ts';
import { codeOf } from './code-of.ts';

/** Linux names open files here; a path over it goes to the very folder that was opened, wherever links lead by then. */
const OPEN_FILES = '/proc/self/fd';

/** So many folders stay open for the next file. */
const MOST_OPEN = 64;

/** A folder while somebody works in it. */
interface Opened {
  /** A path to it that no link can turn elsewhere. */
  readonly base: string;
  readonly handle: FileHandle | undefined;
}

interface Entry {
  readonly opened: Promise<Opened | undefined>;
  users: number;
}

/**
 * The folders below a root, opened name by name from the root without following a link. Where the system does not name
 * open files, each use looks before whether the path is still what it says.
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
   * Works inside a folder, `''` for the root itself; undefined where it is not there. Throws {@link FileRefused} where a
   * link stands in the way.
   */
  async within<T>(folder: string, work: (base: string) => Promise<T>): Promise<T | undefined> {
    let entry = this.#entries.get(folder);
    if (entry === undefined) {
      entry = { opened: this.#open(folder), users: 0 };
      this.#entries.set(folder, entry);
    }
    // A folder is never closed under somebody: its number would soon be another folder's.
    entry.users += 1;
    try {
      const opened = await entry.opened;
      return opened === undefined ? undefined : await work(opened.base);
    } finally {
      entry.users -= 1;
      // What could not be opened may be there the next time.
      const none = !this.#byHandle || (await isNone(entry.opened));
      if (none && this.#entries.get(folder) === entry) this.#entries.delete(folder);
      if (this.#entries.size > MOST_OPEN) await this.#closeUnused(MOST_OPEN / 2);
    }
  }

  async close(): Promise<void> {
    await this.#closeUnused(0);
  }

  async #open(folder: string): Promise<Opened | undefined> {
    if (!this.#byHandle) return this.#verify(folder);
    if (folder === '') return handleOf(this.#root);
    const cut = folder.lastIndexOf('/');
    const name = folder.slice(cut + 1);
    return this.within(folder.slice(0, Math.max(0, cut)), async (base) => handleOf(`${base}/${name}`));
  }

  async #verify(folder: string): Promise<Opened | undefined> {
    const base = folder === '' ? this.#root : `${this.#root}/${folder}`;
    try {
      if ((await realpath(base)) !== base) throw new FileRefused(BEHIND_LINK);
      return { base, handle: undefined };
    } catch (error) {
      if (MISSING.has(codeOf(error))) return undefined;
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

const BEHIND_LINK = 'it lies behind a symbolic link';
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

async function handleOf(path: string): Promise<Opened | undefined> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    return { base: `${OPEN_FILES}/${handle.fd}`, handle };
  } catch (error) {
    const code = codeOf(error);
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

async function isNone(opened: Promise<Opened | undefined>): Promise<boolean> {
  return opened.then(
    (found) => found === undefined,
    () => true,
  );
}
