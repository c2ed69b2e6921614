import type { Kysely } from 'kysely';

import type { StoredFile } from '../../policy/file-store.ts';
import type { FrozenRoot } from '../sql/known-files.ts';
import type { WaitingFile } from '../sql/outbox.ts';
import type { Root } from './in-root.ts';
import { keyOrRefusal, knownKeys } from './known.ts';
import { several } from './several.ts';

/** What became of a file that waited. */
export interface Settled {
  readonly id: string;
  /** Bytes that were given back; null where this file was not removed. */
  readonly removed: number | null;
  /** Why it is left where it is, for good or until the next run. */
  readonly reason?: string;
  /** It may be tried again. */
  readonly failed?: true;
}

/** What rows say of files is believed for so long, in milliseconds: a worker may be held up for hours. */
const FRESH_MILLIS = 10_000;

const STILL_USED = 'a row records it';
export const CHANGED = 'it was changed after its row was deleted';
const CHANGED_MEANWHILE = 'it was changed meanwhile';

/** A path that is used again has a file that is younger than the delete of the row. */
export function isYounger(
  { modified }: StoredFile,
  { recordedAt }: Pick<WaitingFile, 'recordedAt'>,
): boolean {
  return modified > recordedAt;
}

/** How removing goes about. */
export interface Removing {
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** Takes errors of the file store, for the worker's own log. */
  readonly debug: (error: unknown) => void;
  /** Files changed at this instant or later stay; milliseconds since the epoch. Default: after their row was deleted. */
  readonly unchangedSince?: number;
}

/**
 * Removes files whose removal was begun: what they measured is in the ledger already, so that one that is gone by now
 * counts as removed, whoever came that far. Looks once more whether a row records them, and right before at the file. Answers
 * for the first of them, as many as there was time for.
 */
export async function removeBegun(
  db: Kysely<unknown>,
  { store, open }: Root,
  root: FrozenRoot,
  files: readonly WaitingFile[],
  { concurrency, signal, debug, unchangedSince }: Removing,
): Promise<Settled[]> {
  if (files.length === 0) return [];
  const keys = files.map(({ path }) => keyOrRefusal(store, path));
  const used = await knownKeys(db, store, root, keys, { paths: files.map(({ path }) => path) });
  const until = performance.now() + FRESH_MILLIS;
  const changed = (found: StoredFile, file: WaitingFile): string | undefined => {
    if (unchangedSince === undefined) return isYounger(found, file) ? CHANGED : undefined;
    return found.modified >= unchangedSince ? CHANGED_MEANWHILE : undefined;
  };
  const attempts = await several(
    files.map((file, n) => ({ file, key: keys[n] })),
    concurrency,
    () => !signal.aborted && performance.now() < until,
    async ({ file, key }) => {
      if (typeof key !== 'string') throw key;
      if (used.has(key)) return STILL_USED;
      const found = await open.look(key);
      if (found === undefined) return undefined;
      const reason = changed(found, file);
      if (reason === undefined) await open.remove(key);
      return reason;
    },
    debug,
  );
  return attempts.map((attempt, n) => {
    const { id, bytes } = files[n] as WaitingFile;
    if ('reason' in attempt) return { id, removed: null, reason: attempt.reason, failed: true };
    return attempt.answer === undefined
      ? { id, removed: bytes ?? 0 }
      : { id, removed: null, reason: attempt.answer };
  });
}
