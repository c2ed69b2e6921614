import prettyMilliseconds from 'pretty-ms';

import { isBloated } from '../../activities/inspect/bloat.ts';
import { countBytes } from '../../activities/ledger/reports.ts';
import type { Bloat, SizeChange, TableSize } from '../../activities/stored/size.ts';
import { formatBytes, print, printTable } from './output.ts';

/** Prints the sizes of tables before and after a run. */
export function printChanges({ sizes, bytes }: { sizes: readonly SizeChange[]; bytes: number | null }): void {
  if (sizes.length === 0) return;
  print('');
  printTable(
    ['table', 'size before', 'after', 'dead rows before', 'after'],
    sizes.map(({ table, before, after }) => [
      table,
      before === null ? '' : formatBytes(countBytes(before)),
      after === null ? '' : formatBytes(countBytes(after)),
      before?.dead ?? '',
      after?.dead ?? '',
    ]),
  );
  if (bytes !== null && bytes !== 0) {
    print(bytes > 0 ? `${formatBytes(bytes)} given back` : `${formatBytes(-bytes)} larger than before`);
  }
}

/** Prints how much the indexes of tables have empty after a run, if it is much. New rows reuse the room in tables. */
export function printIndexBloat(sizes: readonly SizeChange[]): void {
  const bloats = sizes.map(({ after }) => after?.indexBloat).filter(isBloated);
  if (bloats.length === 0) return;
  const bytes = bloats.reduce((sum, bloat) => sum + bloat.bytes, 0);
  print(
    `  new rows reuse the room of deleted ones; about ${formatBytes(bytes)} of indexes could be given back by a reclaimSpace pass with mode reindex`,
  );
}

/** Prints the sizes of tables, their bloat and when they were vacuumed: two tables, since one would be wider than a terminal. */
export function printSizes(sizes: readonly TableSize[]): void {
  printTable(
    ['table', 'heap', 'heap bloat', 'indexes', 'index bloat', 'toast'],
    sizes.map(({ table, heap, bloat, indexes, indexBloat, toast }) => [
      table,
      formatBytes(heap),
      formatBloat(bloat),
      formatBytes(indexes),
      formatBloat(indexBloat),
      toast === 0 ? '' : formatBytes(toast),
    ]),
  );
  const methods = new Set(sizes.flatMap(({ bloat }) => (bloat === null ? [] : [bloat.by])));
  if (methods.size > 0) print(`heap bloat by ${[...methods].join(' and ')}`);
  print('');
  // A SQLite file knows neither vacuums nor analyzes of a table.
  const hasVacuums = sizes.some(({ bloat, indexBloat }) => bloat !== null || indexBloat !== null);
  printTable(
    ['table', 'live rows', 'dead rows', 'last vacuum', 'last analyze'],
    sizes.map((size) => [
      size.table,
      size.live,
      size.dead === 0 ? '' : size.dead,
      hasVacuums ? formatLatest(size.lastVacuum, size.lastAutovacuum) : '',
      hasVacuums ? formatLatest(size.lastAnalyze, size.lastAutoanalyze) : '',
    ]),
  );
}

/** The part of it that is empty: the size stands beside it. Empty if it is not known. */
function formatBloat(bloat: Bloat | null): string {
  return bloat === null ? '' : `${bloat.percent} %`;
}

/** Formats how long ago the later time of a manual and an automatic one was. */
function formatLatest(byHand: string | null, byItself: string | null): string {
  const hand = byHand === null ? 0 : Date.parse(byHand);
  const self = byItself === null ? 0 : Date.parse(byItself);
  if (hand === 0 && self === 0) return 'never';
  const millis = Math.max(0, Date.now() - Math.max(hand, self));
  const ago = `${prettyMilliseconds(millis, { unitCount: 1, hideYear: true })} ago`;
  return hand >= self ? ago : `${ago} (auto)`;
}
