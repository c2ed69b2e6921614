import type { Pass } from '../../policy/pass.ts';
import { deleteOrphansWork } from './delete-orphans.ts';
import { expireRowsWork } from './expire-rows.ts';
import type { FrozenPass, PassWork } from './pass.ts';
import { repointLatestWork } from './repoint-latest.ts';
import { reportRowsWork } from './report-rows.ts';

export type {
  BatchOutcome,
  BatchStep,
  Cursor,
  FrozenPass,
  Outside,
  PassPlan,
  PassWork,
  Prepared,
  ReportedRows,
  Shard,
  Strategy,
} from './pass.ts';

const WORK: { readonly [K in Pass['kind']]: PassWork<Pass, FrozenPass> } = {
  expireRows: expireRowsWork,
  deleteOrphans: deleteOrphansWork,
  repointLatest: repointLatestWork,
  reportRows: reportRowsWork,
};

/** What can be done with a pass of a kind. */
export function workOf(kind: Pass['kind']): PassWork<Pass, FrozenPass> {
  return WORK[kind];
}
