import { isBloated } from '../../activities/inspect/bloat.ts';
import { countBytes } from '../../activities/ledger/reports.ts';
import type { Bloat, SizeChange, TableSize } from '../../activities/stored/size.ts';
import { formatMinute, print, printTable, formatBytes } from './output.ts';

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

/** Prints the sizes of tables, their bloat and the method that measured it. */
export function printSizes(sizes: readonly TableSize[]): void {
  // A SQLite file has none of them.
  const hasBloat = sizes.some(({ bloat, indexBloat }) => bloat !== null || indexBloat !== null);
  printTable(
    [
      'table',
      'heap',
      'indexes',
      'toast',
      'live',
      'dead',
      'bloat',
      'by',
      'index bloat',
      'last vacuum (UTC)',
      'last analyze (UTC)',
    ],
    sizes.map((size) => [
      size.table,
      formatBytes(size.heap),
      formatBytes(size.indexes),
      size.toast === 0 ? '' : formatBytes(size.toast),
      size.live,
      size.dead === 0 ? '' : size.dead,
      hasBloat ? formatBloat(size.bloat) : '',
      size.bloat?.by ?? '',
      hasBloat ? formatBloat(size.indexBloat) : '',
      hasBloat ? formatLatest(size.lastVacuum, size.lastAutovacuum) : '',
      hasBloat ? formatLatest(size.lastAnalyze, size.lastAutoanalyze) : '',
    ]),
  );
}

function formatBloat(bloat: Bloat | null): string {
  return bloat === null ? 'not known' : `${formatBytes(bloat.bytes)}, ${bloat.percent} %`;
}

/** Formats the later time of a manual and an automatic one. */
function formatLatest(byHand: string | null, byItself: string | null): string {
  const hand = byHand === null ? 0 : Date.parse(byHand);
  const self = byItself === null ? 0 : Date.parse(byItself);
  if (hand === 0 && self === 0) return 'never';
  const at = formatMinute(new Date(Math.max(hand, self)).toISOString());
  return hand >= self ? at : `${at} (auto)`;
}
