import { matchesGlob } from 'node:path';
import { basename } from 'node:path/posix';

import { findFolder } from './folders.ts';

/** So many names are remembered: folders come again with each of their files. */
const MAX_KNOWN = 10_000;

/**
 * Returns whether a key is excluded by globs, which compile anew with each call. One without a slash is about the name of a file, or
 * of any folder that it is in; one with a slash about the path of either.
 */
export function makeExclusion(globs: readonly string[]): (key: string) => boolean {
  if (globs.length === 0) return () => false;
  const ofNames = globs.filter((glob) => !glob.includes('/'));
  const ofPaths = globs.filter((glob) => glob.includes('/'));
  const known = new Map<string, boolean>();
  const isNamed = (name: string): boolean => ofNames.some((glob) => matchesGlob(name, glob));
  const isFolderExcluded = (folder: string): boolean => {
    if (folder === '') return false;
    const earlier = known.get(folder);
    if (earlier !== undefined) return earlier;
    if (known.size >= MAX_KNOWN) known.clear();
    const is = isExcluded(folder);
    known.set(folder, is);
    return is;
  };
  const isExcluded = (key: string): boolean => {
    return (
      isFolderExcluded(findFolder(key)) ||
      isNamed(basename(key)) ||
      ofPaths.some((glob) => matchesGlob(key, glob))
    );
  };
  return isExcluded;
}
