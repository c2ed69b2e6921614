import type { FileStore } from '../../policy/file-store.ts';
import { FileRefused } from '../../policy/file-store.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import type { Spellings } from '../dialect/tables.ts';
import type { StoredRoot } from '../stored/pass.ts';

/** A look by path at a few rows; without an index on the path it reads their tables. */
const LIMITS = { lockMillis: 1_000, statementMillis: 60_000 };

/** A file, and its path as a row wrote it. */
interface WrittenKey {
  readonly key: string;
  readonly path: string;
}

/** The key of a path that was recorded, or why it has none. */
export function readKey(store: FileStore, path: string): string | FileRefused {
  try {
    return store.toKey(path);
  } catch (error) {
    if (error instanceof FileRefused) return error;
    throw error;
  }
}

/** Finds the keys that some row records, in any spelling; with `outbox`, also those that wait in it. */
export async function findRecordedKeys(
  session: Session,
  store: FileStore,
  root: StoredRoot,
  written: readonly WrittenKey[],
  outbox: boolean,
): Promise<ReadonlySet<string>> {
  return session.transaction(LIMITS, async (tx) => findRecordedKeysIn(tx, store, root, written, outbox));
}

/** The same in a transaction. */
export async function findRecordedKeysIn(
  tx: Tx,
  store: FileStore,
  root: StoredRoot,
  written: readonly WrittenKey[],
  outbox: boolean,
): Promise<ReadonlySet<string>> {
  const keys = [...new Set(written.map(({ key }) => key))];
  const texts = new Map(keys.map((key) => [key, new Set(store.listSpellings(key))]));
  // Another row may write the path as this one does, even if the store does not.
  for (const { key, path } of written) texts.get(key)?.add(path);
  const spellings = toSpellings(keys.map((key) => [...(texts.get(key) ?? [])]));
  const recorded = await tx.tables.findRecorded(root, spellings, outbox);
  return new Set([...recorded].map((file) => keys[file] as string));
}

/** Spellings as statements bind them: `spellings` are those of each file. */
export function toSpellings(spellings: readonly (readonly string[])[]): Spellings {
  return { texts: spellings.flat(), files: spellings.flatMap((texts, file) => texts.map(() => file)) };
}
