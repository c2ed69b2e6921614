import type { AnyEntity } from '../../policy/pass-options.ts';
import type { Pass } from '../../policy/pass.ts';
import type { StoredPass } from '../stored/pass.ts';
import { deleteOrphansKind } from './delete-orphans.ts';
import { deleteRecordedFilesKind } from './delete-recorded-files.ts';
import { deleteUnreferencedKind } from './delete-unreferenced.ts';
import { dropPartitionsKind } from './drop-partitions.ts';
import { expireRowsKind } from './expire-rows.ts';
import { measureSizeKind } from './measure-size.ts';
import type { BatchKind, TableKind } from './pass.ts';
import { reclaimSpaceKind } from './reclaim-space.ts';
import { repointLatestKind } from './repoint-latest.ts';
import { reportRowsKind } from './report-rows.ts';
import { sweepStrayFilesKind } from './sweep-stray-files.ts';

/** In batches, or table after table: the one thing that a run asks. */
type AnyKind = BatchKind | TableKind<Pass, StoredPass>;

const KINDS: { readonly [K in Pass['kind']]: AnyKind } = {
  expireRows: expireRowsKind,
  deleteOrphans: deleteOrphansKind,
  deleteUnreferenced: deleteUnreferencedKind,
  dropPartitions: dropPartitionsKind,
  deleteRecordedFiles: deleteRecordedFilesKind,
  sweepStrayFiles: sweepStrayFilesKind,
  repointLatest: repointLatestKind,
  reportRows: reportRowsKind,
  measureSize: measureSizeKind,
  reclaimSpace: reclaimSpaceKind,
};

/** What can be done with a pass of a kind. */
export function findKind(kind: Pass['kind']): AnyKind {
  return KINDS[kind];
}

/** Every entity that some passes name. */
export function listEntities(passes: readonly Pass[]): AnyEntity[] {
  return passes.flatMap((pass) => findKind(pass.kind).entities(pass));
}
