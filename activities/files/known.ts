import type { Kysely, RawBuilder } from 'kysely';

import type { FileStore } from '../../policy/file-store.ts';
import { FileRefused } from '../../policy/file-store.ts';
import type { FrozenRoot } from '../sql/known-files.ts';
import { knownAmong } from '../sql/known-files.ts';
import { inTransaction } from '../sql/transaction.ts';

/** A look by path at a few rows; without an index on the path it reads their tables. */
const LIMITS = { lockMillis: 1_000, statementMillis: 60_000 };

/** The key of a path that was recorded, or why it has none. */
export function keyOrRefusal(store: FileStore, path: string): string | FileRefused {
  try {
    return store.keyOf(path);
  } catch (error) {
    if (error instanceof FileRefused) return error;
    throw error;
  }
}

/** Those of some keys that a row records, in whatever way it writes the path; with `outbox`, or that wait in it. */
export async function knownKeys(
  db: Kysely<unknown>,
  store: FileStore,
  root: FrozenRoot,
  keys: readonly (string | FileRefused)[],
  outbox?: RawBuilder<unknown>,
): Promise<ReadonlySet<string>> {
  const texts = [...new Set(keys.filter((key) => typeof key === 'string'))];
  return inTransaction(db, LIMITS, async (tx) => knownKeysIn(tx, store, root, texts, outbox));
}

/** The same in a transaction. */
export async function knownKeysIn(
  db: Kysely<unknown>,
  store: FileStore,
  root: FrozenRoot,
  keys: readonly string[],
  outbox?: RawBuilder<unknown>,
): Promise<ReadonlySet<string>> {
  const spelled = keys.flatMap((key, file) => store.spellingsOf(key).map((text) => ({ text, file })));
  const texts = spelled.map(({ text }) => text);
  const files = spelled.map(({ file }) => file);
  const known = await knownAmong(db, root, { texts, files }, outbox);
  return new Set([...known].map((file) => keys[file] as string));
}
