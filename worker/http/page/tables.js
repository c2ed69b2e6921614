import { byId, make, makeTable, replace } from './elements.js';
import { sayBytes, sayClock, sayCount, sayTime } from './say.js';

/** @typedef {import('./ask.js').Tables} Tables */
/** @typedef {Tables['tables'][number]} Table */

const HEAD = ['table', 'size', 'heap', 'indexes', 'toast', 'live rows', 'dead rows', 'bloat', 'last vacuum'];

/**
 * Shows what tables measure, the largest first.
 *
 * @param {Tables} answer
 */
export function showTables({ at, tables }) {
  const several = new Set(tables.map(({ database }) => database)).size > 1;
  const rows = tables
    .toSorted((a, b) => sizeOf(b) - sizeOf(a))
    .map((table) => [
      { text: several ? `${table.database}: ${table.table}` : table.table },
      { text: sayBytes(sizeOf(table)), number: true },
      { text: sayBytes(table.heap), number: true },
      { text: sayBytes(table.indexes), number: true },
      { text: sayBytes(table.toast), number: true },
      { text: sayCount(table.live), number: true },
      { text: sayCount(table.dead), number: true },
      { text: sayBloat(table), number: true },
      { text: sayVacuum(table) },
    ]);
  const caption = `Tables of the policies, the largest first, as of ${sayClock(new Date(at))}`;
  replace(
    byId('tables'),
    rows.length === 0 ? make('p', {}, 'The policies have no tables here') : makeTable(caption, HEAD, rows),
  );
}

/** @param {Table} table */
function sizeOf({ heap, indexes, toast }) {
  return heap + indexes + toast;
}

/** @param {Table} table */
function sayBloat({ bloat }) {
  if (bloat === null) return 'not known';
  return `${bloat.by === 'estimate' ? 'about ' : ''}${sayBytes(bloat.bytes)}, ${bloat.percent} %`;
}

/** @param {Table} table */
function sayVacuum({ lastVacuum, lastAutovacuum }) {
  const times = [lastVacuum, lastAutovacuum].flatMap((at) => (at === null ? [] : [Date.parse(at)]));
  return times.length === 0 ? 'never' : sayTime(new Date(Math.max(...times)).toISOString());
}
