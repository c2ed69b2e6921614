import type { StoredFile } from '../../policy/file-store.ts';
import { mapFiles } from './map-files.ts';
import type { Root } from './open-root.ts';

/** A file that is there, and its key. */
export type FoundFile = StoredFile & { readonly key: string };

/**
 * Finds those of some files that are there and those that are missing, why the others cannot be looked at, and how many
 * were looked at: the first of them.
 */
export async function findFiles(
  { open }: Root,
  keys: readonly string[],
  concurrency: number,
  mayContinue: () => boolean = () => true,
): Promise<{
  readonly files: readonly FoundFile[];
  readonly missing: readonly string[];
  readonly refused: readonly string[];
  readonly looked: number;
}> {
  const attempts = await mapFiles(keys, concurrency, mayContinue, async (key) => open.look(key));
  const files = attempts.flatMap((attempt, n) =>
    'value' in attempt && attempt.value !== undefined ? [{ key: keys[n] as string, ...attempt.value }] : [],
  );
  const missing = keys.filter((_, n) => {
    const one = attempts[n];
    return one !== undefined && 'value' in one && one.value === undefined;
  });
  const refused = attempts.flatMap((attempt) => ('reason' in attempt ? [attempt.reason] : []));
  return { files, missing, refused, looked: attempts.length };
}
