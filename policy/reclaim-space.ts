import { z } from 'zod';

import type { Duration } from './duration.ts';
import { durationBetween, SECOND } from './duration.ts';
import type { AnyEntity, PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { EntitySchema, listSchema } from './strict-options.ts';
import { checkWindow } from './window.ts';
import { addIssues, issueParams, withFix } from './zod-issues.ts';

/**
 * How space is given back.
 *
 * - `vacuum`: `VACUUM (ANALYZE)`. Others read and write meanwhile. Makes room inside the table and gives back what is
 *   empty at its end.
 * - `full`: `VACUUM (FULL, ANALYZE)`. Rewrites table and indexes and gives back all that is empty. Nobody can read or
 *   write the table meanwhile.
 * - `reindex`: `REINDEX INDEX CONCURRENTLY` for each index, the smallest first. Others read and write meanwhile. Gives back what
 *   is empty in indexes, which a vacuum keeps. SQLite has no such statement.
 *
 * On SQLite the others are about the whole file: `vacuum` cuts free pages off in small steps, if the file has incremental
 * auto_vacuum; `full` rewrites it, and nobody else can write meanwhile.
 */
export type ReclaimMode = 'vacuum' | 'full' | 'reindex';

/** The options of {@link reclaimSpace}. */
export interface ReclaimSpaceOptions extends PassOptions {
  /** Default `vacuum`. */
  readonly mode?: ReclaimMode;
  /**
   * The entities whose tables are meant, each time. Default: the tables that the run deleted from, cascades included;
   * with mode `vacuum` also others of the policy with more than 20 % dead rows.
   */
  readonly entities?: readonly AnyEntity[];
  /**
   * The time of day in which a statement may run, like `'01:00-05:00'` or, over midnight, `'22:00-04:00'`. Outside
   * nothing is begun, and a statement that still runs at its end is cancelled. Mode `full` needs it; default for `vacuum`: any time.
   */
  readonly window?: string;
  /** The time zone of `window`, an IANA name. Default `UTC`. */
  readonly timezone?: string;
  /**
   * How long a statement waits for its lock. While mode `full` waits, all others wait behind it. 10 ms to a minute;
   * default `'2 s'`. Mode `reindex`, behind which nobody waits, always waits up to a minute.
   */
  readonly lockTimeout?: Duration;
  /** How often a table that others hold is tried again, after a rest of five times `lockTimeout`. 0 to 100; default 5. */
  readonly retries?: number;
  /**
   * Returns how many bytes are free on the disk of the database server, which no statement can tell. With it, modes
   * `full` and `reindex` leave out tables that they have no room to rebuild.
   */
  readonly freeBytes?: () => number | Promise<number>;
}

/** A pass that gives the space of deleted rows back. */
export interface ReclaimSpace extends ReclaimSpaceOptions {
  readonly kind: 'reclaimSpace';
  readonly mode: ReclaimMode;
  readonly timezone: string;
  readonly lockTimeout: Duration;
  readonly retries: number;
}

/** Gives space back, one table after the other, outside of any transaction. */
export function reclaimSpace(options: ReclaimSpaceOptions): ReclaimSpace {
  return Object.freeze({
    ...options,
    kind: 'reclaimSpace',
    mode: options.mode ?? 'vacuum',
    timezone: options.timezone ?? 'UTC',
    lockTimeout: options.lockTimeout ?? '2 s',
    retries: options.retries ?? 5,
  });
}

/** The options of the kind. */
export const ReclaimSpaceSchema = passOptions({
  entities: listSchema(EntitySchema).optional(),
  mode: withFix(
    z.enum(['vacuum', 'full', 'reindex'] satisfies ReclaimMode[]),
    "Use 'vacuum', 'full' or 'reindex'",
  ),
  window: z.unknown().optional(),
  timezone: z.unknown(),
  lockTimeout: withFix(durationBetween(10, 60 * SECOND), "Use a duration from '10 ms' to '60 s'"),
  retries: withFix(z.int().min(0).max(100), 'Use a whole number from 0 to 100'),
  freeBytes: withFix(
    z.custom<() => number>((value) => typeof value === 'function'),
    'Give it one that returns the free bytes, or leave it out',
    () => 'freeBytes is no function',
  ).optional(),
})
  .refine(
    ({ mode, window }) => mode !== 'full' || window !== undefined,
    issueParams(
      () => 'mode full has no window, and nobody can use a table while it is rewritten',
      "Say when that is bearable, like window: '01:00-05:00'; '00:00-24:00' is always open",
    ),
  )
  .superRefine(({ window, timezone }, context) => {
    addIssues(context, checkWindow('', { window, timezone }));
  });
