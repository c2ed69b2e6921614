import { z } from 'zod';

import type { Duration } from './duration.ts';
import { durationBetween, HOUR } from './duration.ts';
import type { FileRoot } from './file-root.ts';
import { FileConcurrencySchema, RootSchema } from './file-root.ts';
import type { PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { FlagSchema, listSchema } from './strict-options.ts';
import { formatValue, withFix } from './zod-issues.ts';

/** The options of {@link sweepStrayFiles}. */
export interface SweepStrayFilesOptions extends PassOptions {
  readonly root: FileRoot;
  /**
   * How long a file must not have been changed, counted from the begin of the run: spares files that are written before
   * their row. At least one hour; default `'1 day'`.
   */
  readonly grace?: Duration;
  /** Whether strays are removed. Default: false, they are counted and reported. */
  readonly remove?: boolean;
  /**
   * The part of all files that may be strays, above 0 and up to 1: with more of them a pass that removes removes none
   * and fails, since paths are more often misread than forgotten. Default 0.5.
   */
  readonly maxStrayRatio?: number;
  /**
   * Globs of files that are never strays, like `['@eaDir', '.nfs*', '*.tmp', 'exports/**']`. One without a slash is about the
   * name of a file, or of any folder that it is in; one with a slash about the path below the root. `*` matches no dot at the
   * begin. Default: none.
   */
  readonly exclude?: readonly string[];
  /** How many files at once, 1 to 64. Default 8. */
  readonly concurrency?: number;
}

/** A pass that looks for files that no row records. */
export interface SweepStrayFiles extends PassOptions {
  readonly kind: 'sweepStrayFiles';
  readonly root: FileRoot;
  readonly grace: Duration;
  readonly remove: boolean;
  readonly maxStrayRatio: number;
  readonly exclude: readonly string[];
  readonly concurrency: number;
}

/** Reports the files under a root that no row records, and removes them if its options say so. */
export function sweepStrayFiles(options: SweepStrayFilesOptions): SweepStrayFiles {
  return Object.freeze({
    ...options,
    kind: 'sweepStrayFiles',
    grace: options.grace ?? '1 day',
    remove: options.remove ?? false,
    maxStrayRatio: options.maxStrayRatio ?? 0.5,
    exclude: options.exclude ?? [],
    concurrency: options.concurrency ?? 8,
  });
}

/** The options of the kind. */
export const SweepStrayFilesSchema = passOptions({
  root: RootSchema,
  remove: FlagSchema,
  grace: withFix(
    durationBetween(HOUR),
    "Use a duration of at least '1 hour'",
    (option, value) =>
      `${option} is ${formatValue(value)}, and files that are just being written have no row yet`,
  ),
  maxStrayRatio: withFix(z.number().gt(0).max(1), 'Use a number above 0 and up to 1, like 0.5'),
  exclude: listSchema(
    withFix(
      z.string().refine((glob) => glob !== '' && !/^\/|\/$|\\|^!|^\.{0,2}\/|^\*{1,2}$/.test(glob)),
      "Write a name like '*.tmp', or a path below the root like 'exports/**', with / between names",
      (option, value) => `${option} is ${formatValue(value)}, which excludes all files or none`,
    ),
  ),
  concurrency: FileConcurrencySchema,
});
