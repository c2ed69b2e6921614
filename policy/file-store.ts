/**
 * Where files are kept. A file has a key: its path below the root, with `/` between names, without empty names, `.` and
 * `..`. The local disk is one such place; an object store can be another.
 */
export interface FileStore {
  /** The key of a path as a row records it; throws {@link FileRefused} if it leads out or can be no file's. */
  toKey(path: string): string;
  /** Every way in which a row may record the file of a key. */
  listSpellings(key: string): readonly string[];
  /** Opens it for a moment. Throws {@link RootUnusable} if it cannot be worked in. */
  open(): Promise<OpenFileStore>;
}

/** A file store while it is worked in. */
export interface OpenFileStore {
  /** Names the place that was opened: another one where its disk is not mounted. In the ledger only. */
  readonly rootId: string;
  /** Whether it has nothing in it at all. */
  isEmpty(): Promise<boolean>;
  /** What is there; undefined if nothing is there. Throws {@link FileRefused} for what is no ordinary file. */
  look(key: string): Promise<StoredFile | undefined>;
  /** Removes a file; false if there is none. What is no ordinary file stays, and is refused. */
  remove(key: string): Promise<boolean>;
  /**
   * Removes the folders of removed files that have nothing in them any more, and those above them, up to the root. The root
   * stays. A folder that cannot be removed stays, and the error is given to `onFailure`. Left out by a store without folders.
   */
  removeEmptyFolders?(keys: readonly string[], onFailure: (error: unknown) => void): Promise<void>;
  /**
   * The keys of all ordinary files after a key, in the order of {@link compareKeys}. Links are not followed. A folder that
   * cannot be read is left out, and given to `onUnreadable` with its key and the error.
   */
  list(after: string | null, onUnreadable?: (folder: string, error: unknown) => void): AsyncIterable<string>;
  close(): Promise<void>;
}

/** A file that is there. */
export interface StoredFile {
  /** Bytes that its removal gives back; 0 if it has another name that stays. */
  readonly bytes: number;
  /** When its content was last changed, in milliseconds since the epoch, by the clock of the store. */
  readonly modified: number;
}

/** Where two keys stand in a listing: by code units, as JavaScript compares texts. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A path that is not touched, whatever it names. The words are fixed and have nothing of the path. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
}

/** A root that cannot be worked in: the folder is missing, or its disk is not mounted. No path in the words. */
export class RootUnusable extends Error {
  override readonly name = 'RootUnusable';
}
