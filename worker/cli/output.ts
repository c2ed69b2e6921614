import { styleText } from 'node:util';

import Table from 'cli-table3';
import prettyMilliseconds from 'pretty-ms';

import { countNouns, formatCount } from '../../policy/count-nouns.ts';
import { formatBytes } from '../../policy/format-bytes.ts';
import { formatInstant } from '../../policy/format-instant.ts';

export { countNouns, formatBytes, formatCount };

/**
 * Lets whoever reads the output stop reading, as `head` and `less` do: what is written then is lost in silence, and the
 * command does its work to the end. A run must not die of it in its middle.
 */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Writes a line of a result to standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a line about what is going on to standard error. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Writes one JSON value to standard output. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** A table with a head; numbers stand to the right. A column without a value is left out: a terminal has 80 characters. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const isEmpty = (n: number): boolean => rows.length > 0 && rows.every((row) => row[n] === '');
  const isNumber = (n: number): boolean => rows.every((row) => typeof row[n] === 'number' || row[n] === '');
  const columns = head.map((_, n) => n).filter((n) => !isEmpty(n));
  const table = new Table({
    head: columns.map((n) => strong(head[n] ?? '')),
    colAligns: columns.map((n) => (isNumber(n) && rows.length > 0 ? 'right' : 'left')),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
    chars: PLAIN_BORDER,
  });
  table.push(...rows.map((row) => columns.map((n) => formatCell(row[n] ?? ''))));
  for (const line of table.toString().split('\n')) print(line.trimEnd());
}

function formatCell(cell: string | number): string {
  return typeof cell === 'number' ? formatCount(cell) : cell;
}

/** An instant in a column whose title says that it is in UTC: `2026-11-28 10:16`. */
export function formatMinute(instant: string | null): string {
  return instant === null ? '' : formatInstant(instant).replace(' UTC', '');
}

/** Rows of a table that still fit a screen. */
const MOST_ROWS = 15;

/** A table that fits a screen: of many rows only the first, and how many are left out, unless details are asked for. */
export function printMost(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  noun: string,
  details: boolean,
): void {
  const shown = details || rows.length <= MOST_ROWS ? rows : rows.slice(0, MOST_ROWS);
  printTable(head, shown);
  const hidden = rows.length - shown.length;
  if (hidden > 0) print(`and ${countNouns(hidden, noun)} more; --details lists them`);
}

/** Milliseconds as `830ms`, `12.3s`, `4m 10s` or `10h 31m`. */
export function formatMillis(millis: number): string {
  if (millis < 1000) return prettyMilliseconds(Math.round(millis));
  const whole = millis < 60_000 ? millis : Math.round(millis / 1000) * 1000;
  return prettyMilliseconds(whole, { unitCount: 2, hideYear: true });
}

/** Text in bold where standard output shows it. */
export function strong(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

/** Text in a colour where standard output shows it. */
export function coloured(colour: 'green' | 'yellow' | 'red', text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}

const PLAIN_BORDER = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: ' ',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;
