import { countNouns, formatCount } from '../../policy/count-nouns.ts';
import type { StoredDeleteRecordedFiles } from '../stored/pass.ts';
import { findFiles } from './find-files.ts';
import type { Root } from './open-root.ts';
import { refuseRoot } from './open-root.ts';
import { readKey } from './recorded-keys.ts';

/** Why a file was not removed that a row recorded. */
export const MISSING = 'it is not there';

/** So few missing files say nothing about the others. */
const FEW = 10;

/** Some files, and how many of them are missing. */
export interface MissingFiles {
  readonly looked: number;
  readonly missing: number;
}

/** Counts those of some recorded files that are missing. Paths that a root refuses wait for another root and do not count. */
export async function countMissing(
  root: Root,
  files: readonly { readonly path: string }[],
  concurrency: number,
): Promise<MissingFiles> {
  const keys = files.map(({ path }) => readKey(root.store, path)).filter((key) => typeof key === 'string');
  const { looked, missing } = await findFiles(root, [...new Set(keys)], concurrency);
  return { looked, missing: missing.length };
}

/** Whether so many files are missing that it is not believable: if paths are misread, all files seem to be missing. */
export function isTooManyMissing(
  { maxMissingRatio }: Pick<StoredDeleteRecordedFiles, 'maxMissingRatio'>,
  { looked, missing }: MissingFiles,
): boolean {
  return missing >= FEW && missing > maxMissingRatio * looked;
}

/** Throws a `ValidationError` if too many files are missing. */
export function assertNotMissing(
  stored: Pick<StoredDeleteRecordedFiles, 'root' | 'maxMissingRatio'>,
  found: MissingFiles,
): void {
  if (!isTooManyMissing(stored, found)) return;
  refuseRoot(stored.root.name, {
    what: `nobody finds ${formatCount(found.missing)} of ${countNouns(found.looked, 'file')} that deleted rows recorded, which is more than the ratio ${stored.maxMissingRatio} that maxMissingRatio allows; the ledger keeps their paths`,
    fix: 'Check whether rows record paths as the root is written, and whether its disk is mounted. If the files are really deleted, set maxMissingRatio: 1 for a run',
  });
}
