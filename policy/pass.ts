import type { EntityName } from '@mikro-orm/core';

import type { DeleteOrphans } from './delete-orphans.ts';
import type { DeleteRecordedFiles } from './delete-recorded-files.ts';
import type { DeleteUnreferenced } from './delete-unreferenced.ts';
import type { ExpireRows } from './expire-rows.ts';
import type { MeasureSize } from './measure-size.ts';
import type { ReclaimSpace } from './reclaim-space.ts';
import type { RepointLatest } from './repoint-latest.ts';
import type { ReportRows } from './report-rows.ts';
import type { SweepStrayFiles } from './sweep-stray-files.ts';

/** One step of a policy, as the builders make it. */
export type Pass =
  | ExpireRows
  | DeleteOrphans
  | DeleteUnreferenced
  | DeleteRecordedFiles
  | SweepStrayFiles
  | RepointLatest
  | ReportRows
  | MeasureSize
  | ReclaimSpace;

/** The word for a kind of pass: the same in the policy, the ledger, the report and the documentation. */
export type PassKind = Pass['kind'];

/** An entity of any shape; the builders check the shape, what is behind them only needs its metadata. */
export type AnyEntity = EntityName;

/** What every kind of pass can be told. */
export interface PassOptions {
  /** Unique within the policy; what operators, the ledger and metrics call this pass. */
  readonly name: string;
  /** Passes without which this one must not run: if one of them failed, this one is left out. Default: none. */
  readonly dependsOn?: readonly string[];
  /**
   * In how many parts, run beside one another, the pass is split where it can be split. 1 to 16; default: the
   * policy's `shards`.
   */
  readonly shards?: number;
  /**
   * The pass is for a table that not every database has: where one of its tables is missing, the pass is reported as
   * `not-applicable` instead of refusing the run. Default: false.
   */
  readonly optional?: boolean;
}
