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

/**
 * Those of some keys that a row records, in whatever way it writes the path; with `outbox`, or that wait in it. `paths`
 * are what the keys were read from, one for each: another row may write the same.
 */
export async function knownKeys(
  db: Kysely<unknown>,
  store: FileStore,
  root: FrozenRoot,
  keys: readonly (string | FileRefused)[],
  { outbox, paths = [] }: { readonly outbox?: RawBuilder<unknown>; readonly paths?: readonly string[] },
): Promise<ReadonlySet<string>> {
  const written = keys.flatMap((key, n) => (typeof key === 'string' ? [{ key, path: paths[n] ?? key }] : []));
  return inTransaction(db, LIMITS, async (tx) => knownKeysIn(tx, store, root, written, outbox));
}

/** The same in a transaction. */
export async function knownKeysIn(
  db: Kysely<unknown>,
  store: FileStore,
  root: FrozenRoot,
  written: readonly { readonly key: string; readonly path: string }[],
  outbox?: RawBuilder<unknown>,
): Promise<ReadonlySet<string>> {
  const keys = [...new Set(written.map(({ key }) => key))];
  const texts = new Map(keys.map((key) => [key, new Set(store.spellingsOf(key))]));
  for (const { key, path } of written) texts.get(key)?.add(path);
  const spelled = keys.flatMap((key, file) => [...(texts.get(key) ?? [])].map((text) => ({ text, file })));
  const known = await knownAmong(
    db,
    root,
    { texts: spelled.map(({ text }) => text), files: spelled.map(({ file }) => file) },
    outbox,
  );
  return new Set([...known].map((file) => keys[file] as string));
}
