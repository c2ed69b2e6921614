import { z } from 'zod';

import type { FileRoot } from './file-root.ts';
import { FileConcurrencySchema, RootSchema } from './file-root.ts';
import type { PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { withFix } from './zod-issues.ts';

/** The options of {@link deleteRecordedFiles}. */
export interface DeleteRecordedFilesOptions extends PassOptions {
  /** The earlier passes whose `files` name this root. */
  readonly from: string | readonly string[];
  readonly root: FileRoot;
  /**
   * The part of the waiting files that may be missing, 0 to 1: with more of them the pass removes none and fails, since
   * paths are more often misread than files lost. It looks at a thousand of them. Default 0.5.
   */
  readonly maxMissingRatio?: number;
  /** How many files at once, 1 to 64. Default 8. */
  readonly concurrency?: number;
}

/** A pass that deletes the files of deleted rows. */
export interface DeleteRecordedFiles extends PassOptions {
  readonly kind: 'deleteRecordedFiles';
  readonly from: readonly string[];
  readonly root: FileRoot;
  readonly maxMissingRatio: number;
  readonly concurrency: number;
}

/**
 * Deletes the files whose paths stood in rows that earlier passes deleted, of this run or of one before that did not
 * get so far. A file that a living row records stays. Missing files are counted, and then forgotten.
 */
export function deleteRecordedFiles(options: DeleteRecordedFilesOptions): DeleteRecordedFiles {
  const { from } = options;
  return Object.freeze({
    ...options,
    kind: 'deleteRecordedFiles',
    from: typeof from === 'string' ? [from] : from,
    maxMissingRatio: options.maxMissingRatio ?? 0.5,
    concurrency: options.concurrency ?? 8,
  });
}

/** The options of the kind. */
export const DeleteRecordedFilesSchema = passOptions({
  root: RootSchema,
  from: withFix(
    z.array(z.string()).min(1),
    'Name the pass that deletes the rows',
    (option) => `${option} names no pass`,
  ),
  maxMissingRatio: withFix(z.number().min(0).max(1), 'Use a number from 0 to 1, like 0.5'),
  concurrency: FileConcurrencySchema,
});
