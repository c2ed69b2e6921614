import type { Pass } from '../../policy/pass.ts';
import { deleteOrphansWork } from './delete-orphans.ts';
import { deleteRecordedFilesWork } from './delete-recorded-files.ts';
import { deleteUnreferencedWork } from './delete-unreferenced.ts';
import { expireRowsWork } from './expire-rows.ts';
import { measureSizeWork } from './measure-size.ts';
import type { FrozenPass, PassWork, TableWork } from './pass.ts';
import { reclaimSpaceWork } from './reclaim-space.ts';
import { repointLatestWork } from './repoint-latest.ts';
import { reportRowsWork } from './report-rows.ts';
import { sweepStrayFilesWork } from './sweep-stray-files.ts';

export type {
  BatchOutcome,
  BatchStep,
  FrozenPass,
  PassPlan,
  PassWork,
  ReportedRows,
  Shard,
  Strategy,
  TableOutcome,
  TableWork,
} from './pass.ts';

/** In batches, or table after table: the one thing that a run asks. */
export type AnyWork = PassWork<Pass, FrozenPass> | TableWork<Pass, FrozenPass>;

const WORK: { readonly [K in Pass['kind']]: AnyWork } = {
  expireRows: expireRowsWork,
  deleteOrphans: deleteOrphansWork,
  deleteUnreferenced: deleteUnreferencedWork,
  deleteRecordedFiles: deleteRecordedFilesWork,
  sweepStrayFiles: sweepStrayFilesWork,
  repointLatest: repointLatestWork,
  reportRows: reportRowsWork,
  measureSize: measureSizeWork,
  reclaimSpace: reclaimSpaceWork,
};

/** What can be done with a pass of a kind. */
export function workOf(kind: Pass['kind']): AnyWork {
  return WORK[kind];
}
