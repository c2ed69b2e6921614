import type { LockedRows, ScanStep } from '../dialect/scan.ts';
import type { StoredPath } from '../stored/row-tree.ts';
import type { BatchStep } from './batch-step.ts';

/** How many rows of the pass's own table a batch may find, if each is deleted with so many rows in all. */
export function limitRows(
  { size, maxRows, skipFirstRow }: Pick<BatchStep, 'size' | 'maxRows' | 'skipFirstRow'>,
  rowsPerParent: number,
): number {
  return skipFirstRow ? 1 : Math.max(1, Math.min(Math.ceil(size / rowsPerParent), maxRows));
}

export function toScanStep(
  { shard, cursor, maxRows, readFactor }: BatchStep,
  limit: number,
  factor = readFactor,
): ScanStep {
  return { shard, cursor, limit, exact: Number.isFinite(maxRows), readFactor: factor };
}

/** What a delete records of rows whose columns name files; undefined if none do. */
export function toRecording(
  paths: readonly StoredPath[] | undefined,
  { outbox }: Pick<BatchStep, 'outbox'>,
): { readonly paths: readonly StoredPath[]; readonly outbox: BatchStep['outbox'] } | undefined {
  return paths === undefined ? undefined : { paths, outbox };
}

/** How many rows that somebody else has locked lie before the place where a shard goes on after the first `taken`. */
export function countSkipped({ locations, candidates, ranks }: LockedRows, taken: number): number {
  if (taken >= locations.length) return candidates - locations.length;
  return taken === 0 ? 0 : (ranks[taken - 1] ?? taken) - taken;
}
