import type { Scan } from '../stored/scan.ts';

/** Rows of neighbouring rowids of SQLite count as one page, of about as many rows as a page of 4 KiB has. */
export const ROWIDS_PER_PAGE = 50;

/**
 * Where a cursor's location, a page, an age or a key lies along a scan, as a number: the page, milliseconds since the epoch,
 * the first 48 bits of a UUID or the integer. NaN if it does not tell. For progress and for cutting a table into shards,
 * never for finding rows.
 */
export function findPosition(scan: Scan, value: string): number {
  switch (scan) {
    case 'by-location':
      return findPage(value);
    case 'by-age':
      return findMillis(value.startsWith('(') ? value.slice(value.indexOf(' ') + 1) : value);
    case 'by-parent-key':
      if (/^-?\d+$/.test(value)) return Number(value);
      return /^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(value)
        ? Number.parseInt(value.slice(0, 8) + value.slice(9, 13), 16)
        : Number.NaN;
    case 'by-partition':
    case 'tables':
    case 'files':
      return Number.NaN;
  }
}

/** The page of a location: a ctid of PostgreSQL, `(page,item)`, or a rowid of SQLite, `(rowid)`. */
function findPage(location: string): number {
  const [, first = '', item] = /^\((-?\d+)(,\d+)?\)/.exec(location) ?? [];
  if (first === '') return Number.NaN;
  return item === undefined ? Math.floor(Number(first) / ROWIDS_PER_PAGE) : Number(first);
}

/** An age as the database writes it: a date and a time, or a number since the epoch in seconds or smaller units. */
function findMillis(age: string): number {
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(age)) return Date.parse(age);
  const number = Number(age);
  if (number > 1e14) return number / 1000;
  return number > 1e11 ? number : number * 1000;
}
