import { styleText } from 'node:util';

import Table from 'cli-table3';

const NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

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

/** A table with a head; numbers stand to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const isNumber = (n: number): boolean => rows.every((row) => typeof row[n] === 'number' || row[n] === '');
  const table = new Table({
    head: head.map((title) => strong(title)),
    colAligns: head.map((_, n) => (isNumber(n) && rows.length > 0 ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    chars: PLAIN_BORDER,
  });
  table.push(...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? sayCount(cell) : cell))));
  print(table.toString());
}

/** 1234567 as `1,234,567`. */
export function sayCount(count: number): string {
  return NUMBER.format(count);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 1234567 bytes as `1.2 MiB`. */
export function sayBytes(bytes: number): string {
  const size = Math.abs(bytes);
  const unit = Math.min(UNITS.length - 1, size < 1 ? 0 : Math.floor(Math.log2(size) / 10));
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit] ?? ''}`;
}

/** Milliseconds as `830 ms`, `12.3 s` or `4 min 10 s`. */
export function sayMillis(millis: number): string {
  if (millis < 1000) return `${Math.round(millis)} ms`;
  if (millis < 60_000) return `${(millis / 1000).toFixed(1)} s`;
  return `${Math.floor(millis / 60_000)} min ${Math.round((millis % 60_000) / 1000)} s`;
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
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;
