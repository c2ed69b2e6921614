import type { LimitOptions } from '../../limits.ts';
import type { ReclaimMode } from '../../reclaim-space.ts';
import type { PrefectApi } from './api.ts';
import type { EnabledWord } from './enabled.ts';
import type { TerminalStateType } from './entities/state-type.ts';
import type { EventRetention } from './event-retention.ts';
import type { LimitSettings } from './limit-settings.ts';
import type { LogRetention } from './log-retention.ts';
import type { KeepLastPer, ParsedRule, RunRetentionRule } from './run-retention.ts';

/** The settings of the `prefect` preset. Text is understood everywhere, since it may come from a command line. */
export interface PrefectSettings extends LimitSettings {
  /**
   * `true`, `false` (default), or some of `flow_runs`, `events` and `orphans`. `flow_runs` implies `orphans`, as in
   * Prefect; `orphans` alone leaves flow runs as they are.
   */
  readonly enabled?: boolean | string | readonly EnabledWord[];
  /** Seconds between runs. Above 0; default 3600. Not used if there is a `cron`. */
  readonly loopSeconds?: number | string;
  /** Run at these times instead of every `loopSeconds`: five cron fields. */
  readonly cron?: string;
  /** The time zone of `cron` and `window`, an IANA name. Default `UTC`. */
  readonly timezone?: string;
  /** How long flow runs are kept. Over 1 hour; default 90 days. Seconds, `'90 days'`, `'30d'` or ISO `'P90D'`. */
  readonly retentionPeriod?: number | string;
  /** Which terminal states make runs of flows and background tasks expire. Default: all four; text with commas between. */
  readonly states?: string | readonly string[];
  /**
   * Other retentions for some flow runs, shorter or longer; the first rule that fits a run counts. Default: none. On a
   * command line JSON: `[{"deployment": "etl/nightly", "olderThan": "7 days"}, {"tag": "audit", "olderThan": null}]`.
   */
  readonly runRetention?: string | readonly RunRetentionRule[];
  /** So many of the newest terminal runs of each deployment or flow stay, however old. Default: none. */
  readonly keepLast?: number | string;
  /** What `keepLast` counts by: `deployment` (default; a run without one counts for its flow) or `flow`. */
  readonly keepLastPer?: KeepLastPer;
  /** Take terminal subflows past the retention also while the run that started them is not over. Default: false. */
  readonly oldSubflows?: boolean | string;
  /** How long background task runs are kept. Default: `retentionPeriod`. `'never'` keeps them for ever. */
  readonly backgroundTaskRetention?: number | string | null;
  /** How long logs are kept whatever their run does. Default: as long as their run. */
  readonly logRetention?: number | string | null;
  /** The same for a level: `{"DEBUG": "3 days", "ERROR": "365 days"}`, as JSON on a command line. Default: none. */
  readonly logRetentionByLevel?: string | Readonly<Record<string, number | string | null>>;
  /** How long events are kept. At least 1 hour; default 7 days. `'never'` keeps them for ever. */
  readonly eventRetentionPeriod?: number | string | null;
  /**
   * The same for events of a name, or of a prefix that ends in `*`, shorter or longer; `null` for ever. Default:
   * heartbeats of flow runs 7 days, unless events are kept shorter. On a command line JSON. What comes from Prefect's
   * own variable can only shorten, as in Prefect.
   */
  readonly eventRetentionOverrides?: string | Readonly<Record<string, number | string | null>>;
  /** How old logs and artifacts without a run must be to go. Default 1 day. Same forms. */
  readonly orphanGrace?: number | string;
  /**
   * How long a run may be in one state that is no end until it is reported as stuck. At least 1 hour; default 3 days.
   * `'never'`: nobody looks.
   */
  readonly stuckAfter?: number | string | null;
  /**
   * Whether stuck runs are ended through Prefect's API, which gives their concurrency slots back. Default false: only
   * reported. The login is `PREFECT_API_AUTH_STRING` or `PREFECT_API_KEY` of the environment.
   */
  readonly endStuckRuns?: boolean | string;
  /** Prefect's API for `endStuckRuns`. Default: `PREFECT_API_URL` of the environment. */
  readonly apiUrl?: string;
  /** The most rows of a pass's own table in one transaction. Default `'auto'`: starts at 1000, aims at 100 ms. */
  readonly batchSize?: number | string;
  /** How long a batch may take. Default 100 ms; the same forms as `retentionPeriod`. */
  readonly batchTarget?: number | string;
  /** A rest after each batch. Default none; the same forms as `retentionPeriod`. */
  readonly batchPause?: number | string;
  /** How many parts of a pass run beside one another. Default 2. */
  readonly shards?: number | string;
  /** The most seconds of work in one activity. Default 20. */
  readonly sliceSeconds?: number | string;
  /** The most batches in one activity. Default: no limit. */
  readonly sliceBatches?: number | string;
  /**
   * How space is given back at the end of each run: `off` (default), `vacuum`, `reindex`, or `full`, which keeps everybody off
   * each table while it is rewritten and needs `reclaimWindow`. See {@link ReclaimMode}.
   */
  readonly reclaim?: ReclaimMode | 'off';
  /** The time of day in which space is given back, as `'03:00-05:00'`, in `timezone`. Default: any time. */
  readonly reclaimWindow?: string;
}

/** The settings as the preset uses them: durations in milliseconds, nothing left out that has a default. */
export interface ParsedSettings {
  readonly enabled: ReadonlySet<EnabledWord>;
  readonly loopMillis: number;
  readonly cron?: string | undefined;
  readonly timezone?: string | undefined;
  readonly retentionMillis: number;
  readonly states: readonly TerminalStateType[];
  readonly runRetention: readonly ParsedRule[];
  readonly keepLast?: number | undefined;
  readonly keepLastPer: KeepLastPer;
  readonly oldSubflows: boolean;
  /** Null is for ever. */
  readonly backgroundTaskMillis: number | null;
  /** Null is as long as their run. */
  readonly logMillis: number | null;
  readonly logLevels: LogRetention;
  /** Null is for ever. */
  readonly eventMillis: number | null;
  readonly eventOverrides: EventRetention;
  readonly graceMillis: number;
  /** Null if nobody looks for stuck runs. */
  readonly stuckMillis: number | null;
  /** What ends stuck runs; undefined if they are only reported. */
  readonly endStuckRuns: PrefectApi | undefined;
  readonly batchSize: number | 'auto';
  readonly batchTargetMillis: number;
  readonly batchPauseMillis: number;
  readonly shards: number;
  readonly sliceSeconds: number;
  readonly sliceBatches?: number | undefined;
  readonly reclaim: ReclaimMode | 'off';
  readonly reclaimWindow?: string | undefined;
  readonly limits: LimitOptions;
}
