import { opendir } from 'node:fs/promises';

import { compareKeys } from '../../policy/file-store.ts';
import { readErrno } from './errno.ts';
import type { Folders } from './folders.ts';

/** The names of a folder are used for so long: a batch later, not a run later. */
const FRESH_MILLIS = 60_000;

/** Errors of a folder that the worker may not read. */
const NO_RIGHTS: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

interface Listing {
  /** In the order of keys; folders end in `/`. */
  readonly names: readonly string[];
  /** Deletes it when it is too old: a listing that nobody continues does not stay in memory. */
  readonly timer: NodeJS.Timeout;
}

/**
 * Lists a tree in the order of its keys, one folder at a time: only the names of the folders on the way are in memory. A
 * listing that continues after a key uses the folders that the one before had just read, since a folder with a million
 * files would else be read again for every batch.
 */
export class Listings {
  readonly #known = new Map<string, Listing>();

  async *list(
    folders: Folders,
    after: string | null,
    except: string | undefined,
    onUnreadable: (folder: string, error: unknown) => void,
  ): AsyncGenerator<string> {
    for await (const key of this.#listBelow(folders, '', after, onUnreadable)) {
      if (key !== except) yield key;
    }
  }

  async *#listBelow(
    folders: Folders,
    folder: string,
    after: string | null,
    onUnreadable: (folder: string, error: unknown) => void,
  ): AsyncGenerator<string> {
    let names: readonly string[];
    try {
      names = await this.#readNames(folders, folder);
    } catch (error) {
      // Like `lost+found`, which belongs to root on every disk: it stops no other folder.
      if (folder === '' || !NO_RIGHTS.has(readErrno(error))) throw error;
      onUnreadable(folder, error);
      return;
    }
    const keyAt = (n: number): string => `${folder === '' ? '' : `${folder}/`}${names[n]}`;
    for (let n = after === null ? 0 : findFirstAfter(names.length, keyAt, after); n < names.length; n += 1) {
      const key = keyAt(n);
      if (!key.endsWith('/')) yield key;
      else {
        const inside = after?.startsWith(key) === true ? after : null;
        yield* this.#listBelow(folders, key.slice(0, -1), inside, onUnreadable);
      }
    }
    this.#forget(folder);
  }

  async #readNames(folders: Folders, folder: string): Promise<readonly string[]> {
    const known = this.#known.get(folder);
    if (known !== undefined) return known.names;
    const names = (await folders.within(folder, read)) ?? [];
    this.#forget(folder);
    const timer = setTimeout(() => this.#known.delete(folder), FRESH_MILLIS).unref();
    this.#known.set(folder, { names, timer });
    return names;
  }

  #forget(folder: string): void {
    clearTimeout(this.#known.get(folder)?.timer);
    this.#known.delete(folder);
  }
}

/** Finds the first of sorted keys that comes after a key, or is the folder that has it, by bisection. */
function findFirstAfter(count: number, keyAt: (n: number) => string, after: string): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keyAt(middle);
    const has = key.endsWith('/') && after.startsWith(key);
    if (has || compareKeys(key, after) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

async function read(base: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(base, { bufferSize: 1024 })) {
      // A name that is no UTF-8 is read with a replacement character, by which it cannot be found again.
      if (entry.name.includes('\uFFFD')) continue;
      if (entry.isDirectory()) names.push(`${entry.name}/`);
      else if (entry.isFile()) names.push(entry.name);
    }
  } catch (error) {
    if (readErrno(error) !== 'ENOENT') throw error;
  }
  return names.toSorted(compareKeys);
}
