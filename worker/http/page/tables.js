import { byId, make, makeLongTable, replace } from './elements.js';
import { formatBytes, formatClock, formatCount, formatTime } from './format.js';

/** @typedef {import('./request.js').Tables} Tables */
/** @typedef {Tables['tables'][number]} Table */

const HEAD = ['table', 'size', 'heap', 'indexes', 'toast', 'live rows', 'dead rows', 'bloat', 'last vacuum'];

/**
 * Shows the sizes of the tables, the largest first.
 *
 * @param {Tables} response
 */
export function showTables({ at, tables }) {
  // A SQLite file has neither.
  const hasBloat = tables.some(({ bloat }) => bloat !== null);
  const hasVacuum = hasBloat || tables.some((table) => formatLastVacuum(table) !== 'never');
  const several = new Set(tables.map(({ database }) => database)).size > 1;
  const rows = tables
    .toSorted((a, b) => addSizes(b) - addSizes(a))
    .map((table) => [
      { text: several ? `${table.database}: ${table.table}` : table.table },
      { text: formatBytes(addSizes(table)), number: true },
      { text: formatBytes(table.heap), number: true },
      { text: formatBytes(table.indexes), number: true },
      { text: table.toast === 0 ? '' : formatBytes(table.toast), number: true },
      { text: formatCount(table.live), number: true },
      { text: table.dead === 0 ? '' : formatCount(table.dead), number: true },
      { text: hasBloat ? formatBloat(table) : '', number: true },
      { text: hasVacuum ? formatLastVacuum(table) : '', mood: 'time' },
    ]);
  const caption = `Tables of the policies, the largest first, as of ${formatClock(new Date(at))}`;
  replace(
    byId('tables'),
    ...(rows.length === 0
      ? [make('p', {}, 'The policies have no tables here')]
      : makeLongTable(caption, HEAD, rows, ['table', 'tables'])),
  );
}

/** @param {Table} table */
function addSizes({ heap, indexes, toast }) {
  return heap + indexes + toast;
}

/** @param {Table} table */
function formatBloat({ bloat }) {
  if (bloat === null) return 'unknown';
  if (bloat.bytes === 0) return '';
  return `${bloat.by === 'estimate' ? 'about ' : ''}${formatBytes(bloat.bytes)}, ${bloat.percent} %`;
}

/** @param {Table} table */
function formatLastVacuum({ lastVacuum, lastAutovacuum }) {
  const times = [lastVacuum, lastAutovacuum].flatMap((at) => (at === null ? [] : [Date.parse(at)]));
  return times.length === 0 ? 'never' : formatTime(new Date(Math.max(...times)).toISOString());
}
