import { opendir } from 'node:fs/promises';

import { compareKeys } from '../../policy/file-store.ts';
import { codeOf } from './code-of.ts';
import type { Folders } from './folders.ts';

/** What was read of a folder is gone on with for so long: a batch later, not a run later. */
const FRESH_MILLIS = 60_000;

interface Listing {
  /** In the order of keys; folders end in `/`. */
  readonly names: readonly string[];
  /** Forgets it, when it is fresh no more: a walk that nobody goes on with is not held in memory. */
  readonly forgetting: NodeJS.Timeout;
}

/**
 * Walks a tree in the order of its keys, one folder at a time: no more than the names of the folders on the way is in
 * memory. A walk that goes on after a key takes up the folders that the one before had just read, since a folder with a
 * million files would else be read anew for every batch.
 */
export class Listings {
  readonly #known = new Map<string, Listing>();

  async *walk(folders: Folders, after: string | null, except: string | undefined): AsyncGenerator<string> {
    for await (const key of this.#walkBelow(folders, '', after)) {
      if (key !== except) yield key;
    }
  }

  async *#walkBelow(folders: Folders, folder: string, after: string | null): AsyncGenerator<string> {
    const names = await this.#namesOf(folders, folder);
    const keyAt = (n: number): string => `${folder === '' ? '' : `${folder}/`}${names[n]}`;
    for (let n = after === null ? 0 : firstAfter(names.length, keyAt, after); n < names.length; n += 1) {
      const key = keyAt(n);
      if (!key.endsWith('/')) yield key;
      else yield* this.#walkBelow(folders, key.slice(0, -1), after?.startsWith(key) === true ? after : null);
    }
    this.#forget(folder);
  }

  async #namesOf(folders: Folders, folder: string): Promise<readonly string[]> {
    const known = this.#known.get(folder);
    if (known !== undefined) return known.names;
    const names = (await folders.within(folder, read)) ?? [];
    this.#forget(folder);
    const forgetting = setTimeout(() => this.#known.delete(folder), FRESH_MILLIS).unref();
    this.#known.set(folder, { names, forgetting });
    return names;
  }

  #forget(folder: string): void {
    clearTimeout(this.#known.get(folder)?.forgetting);
    this.#known.delete(folder);
  }
}

/** The first of sorted keys that comes after a key, or is the folder that has it: found by halving. */
function firstAfter(count: number, keyAt: (n: number) => string, after: string): number {
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
      // What is no UTF-8 has a replacement in its name, by which it cannot be found again.
      if (entry.name.includes('\uFFFD')) continue;
      if (entry.isDirectory()) names.push(`${entry.name}/`);
      else if (entry.isFile()) names.push(entry.name);
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  return names.toSorted(compareKeys);
}
