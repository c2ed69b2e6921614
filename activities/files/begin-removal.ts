import type { WaitingFile } from '../sql/outbox.ts';
import type { Root } from './in-root.ts';
import { keyOrRefusal } from './known.ts';
import type { Removing, Settled } from './remove-begun.ts';
import { CHANGED, isYounger } from './remove-begun.ts';
import { several } from './several.ts';

/** Files of deleted rows that were looked at. */
export interface Begun {
  /** They are there, and go with the next batch: what they measure is to be written down before. */
  readonly measured: readonly { readonly id: string; readonly bytes: number }[];
  /** They need nothing more, or cannot be dealt with. */
  readonly settled: readonly Settled[];
  /** How many files were looked at: the first of them. */
  readonly looked: number;
}

/**
 * Looks at files that wait to be removed: which are there, and what they measure. Removes none, and does not look whether
 * rows record them: that counts when they go.
 */
export async function beginRemoval(
  root: Root,
  files: readonly WaitingFile[],
  { concurrency, signal, debug }: Removing,
): Promise<Begun> {
  const keys = files.map(({ path }) => keyOrRefusal(root.store, path));
  const attempts = await several(
    keys,
    concurrency,
    () => !signal.aborted,
    async (key) => {
      if (typeof key !== 'string') throw key;
      return root.open.look(key);
    },
    debug,
  );
  const measured: { id: string; bytes: number }[] = [];
  const settled: Settled[] = [];
  const begun = new Set<string>();
  for (const [n, attempt] of attempts.entries()) {
    const file = files[n] as WaitingFile;
    const { id } = file;
    const key = String(keys[n]);
    if ('reason' in attempt) settled.push({ id, removed: null, reason: attempt.reason, failed: true });
    // One that was measured was removed by an attempt that died before it could say so.
    else if (attempt.answer === undefined) settled.push({ id, removed: file.bytes });
    else if (isYounger(attempt.answer, file)) {
      settled.push({ id, removed: null, reason: CHANGED });
    } else if (begun.has(key)) settled.push({ id, removed: null });
    else {
      begun.add(key);
      measured.push({ id, bytes: attempt.answer.bytes });
    }
  }
  return { measured, settled, looked: attempts.length };
}
