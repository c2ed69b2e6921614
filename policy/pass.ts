import type { z } from 'zod';

import type { DeleteOrphans } from './delete-orphans.ts';
import { DeleteOrphansSchema } from './delete-orphans.ts';
import type { DeleteRecordedFiles } from './delete-recorded-files.ts';
import { DeleteRecordedFilesSchema } from './delete-recorded-files.ts';
import type { DeleteUnreferenced } from './delete-unreferenced.ts';
import { DeleteUnreferencedSchema } from './delete-unreferenced.ts';
import type { DropPartitions } from './drop-partitions.ts';
import { DropPartitionsSchema } from './drop-partitions.ts';
import type { ExpireRows } from './expire-rows.ts';
import { ExpireRowsSchema } from './expire-rows.ts';
import type { MeasureSize } from './measure-size.ts';
import { MeasureSizeSchema } from './measure-size.ts';
import type { ReclaimSpace } from './reclaim-space.ts';
import { ReclaimSpaceSchema } from './reclaim-space.ts';
import type { RepointLatest } from './repoint-latest.ts';
import { RepointLatestSchema } from './repoint-latest.ts';
import type { ReportRows } from './report-rows.ts';
import { ReportRowsSchema } from './report-rows.ts';
import type { SweepStrayFiles } from './sweep-stray-files.ts';
import { SweepStrayFilesSchema } from './sweep-stray-files.ts';

export type { AnyEntity, PassOptions } from './pass-options.ts';

/** One step of a policy, as the builders make it. */
export type Pass =
  | ExpireRows
  | DeleteOrphans
  | DeleteUnreferenced
  | DropPartitions
  | DeleteRecordedFiles
  | SweepStrayFiles
  | RepointLatest
  | ReportRows
  | MeasureSize
  | ReclaimSpace;

/** The word for a kind of pass: the same in the policy, the ledger, the report and the documentation. */
export type PassKind = Pass['kind'];

/** The schema of the own options of each kind. */
export const PASS_SCHEMAS: Readonly<Record<PassKind, z.ZodType>> = {
  deleteOrphans: DeleteOrphansSchema,
  deleteRecordedFiles: DeleteRecordedFilesSchema,
  deleteUnreferenced: DeleteUnreferencedSchema,
  dropPartitions: DropPartitionsSchema,
  expireRows: ExpireRowsSchema,
  measureSize: MeasureSizeSchema,
  reclaimSpace: ReclaimSpaceSchema,
  repointLatest: RepointLatestSchema,
  reportRows: ReportRowsSchema,
  sweepStrayFiles: SweepStrayFilesSchema,
};
