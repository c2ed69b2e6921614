import type { Duration } from './duration.ts';
import type { LimitOptions, Limits } from './limits.ts';
import { parseLimits } from './limits.ts';
import type { AnyEntity } from './pass-options.ts';
import type { Pass } from './pass.ts';
import type { ScheduleOptions } from './schedule.ts';

/** The options of {@link definePolicy}. */
export interface PolicyOptions {
  /** What operators call it: in schedules, inputs, the ledger and metrics. */
  readonly name: string;
  /** The entities that the passes name. */
  readonly entities: readonly AnyEntity[];
  /** The passes, in the order in which they run. */
  readonly passes: readonly Pass[];
  /** The worker's database that the policy cleans. Default: the only one the worker has. */
  readonly database?: string;
  /**
   * Whether runs delete. Default: false. A disabled policy can be previewed; a run of it ends at once with status
   * `disabled`.
   */
  readonly enabled?: boolean;
  /** When `schedule apply` makes it run. Default: no schedule of its own. */
  readonly schedule?: ScheduleOptions;
  /**
   * The budget of one activity: it ends after the batch that uses up either. Default `{ seconds: 20 }` with any
   * number of batches. `batches: 1` is one batch an activity, bound by Temporal's 20 activities a second.
   */
  readonly slice?: SliceOptions;
  /**
   * The most rows of a pass's own table that one transaction deletes, or `'auto'` (default): starts at 1000 rows
   * and follows `batchTarget`.
   */
  readonly batchSize?: number | 'auto';
  /** How long a batch may take; its size is adapted so that it stays below. 5 ms to 10 s; default `'100 ms'`. */
  readonly batchTarget?: Duration;
  /** A rest after each batch, for the sake of others on the database. At most a minute; default: none. */
  readonly batchPause?: Duration;
  /** How many parts of a pass run beside one another if a pass can be split. 1 to 16; default 2. */
  readonly shards?: number;
  /** How much a run may do and when, and the guards that stop one that would do too much. Defaults: see there. */
  readonly limits?: LimitOptions;
}

/** The budget of one activity execution; see {@link PolicyOptions.slice}. */
export interface SliceOptions {
  /** Seconds of work, 1 to 3600. Default 20. */
  readonly seconds?: number;
  /** Batches, at least 1. Default: no limit. */
  readonly batches?: number;
}

/** A policy: a named, ordered list of passes over one database, with a schedule. */
export interface Policy extends PolicyOptions {
  readonly enabled: boolean;
  readonly slice: SliceOptions;
  readonly batchSize: number | 'auto';
  readonly batchTarget: Duration;
  readonly batchPause: Duration;
  readonly shards: number;
  readonly limits: Limits;
}

/**
 * Declares what may be deleted. Nothing is looked up or checked here: a policy is checked whole, against its
 * entities and the live database, before anything it says is done, and all issues are reported together.
 */
export function definePolicy(options: PolicyOptions): Policy {
  return Object.freeze({
    ...options,
    enabled: options.enabled ?? false,
    slice: options.slice ?? {},
    batchSize: options.batchSize ?? 'auto',
    batchTarget: options.batchTarget ?? '100 ms',
    batchPause: options.batchPause ?? 0,
    shards: options.shards ?? 2,
    limits: parseLimits(options.limits),
  });
}
