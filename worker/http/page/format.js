const NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const ZONED = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
});
const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });
const HOUR = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/**
 * 1234567 as `1,234,567`.
 *
 * @param {number} count
 */
export function formatCount(count) {
  return NUMBER.format(count);
}

/**
 * 1234567 bytes as `1.2 MiB`.
 *
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  const size = Math.abs(bytes);
  const unit = Math.min(UNITS.length - 1, size < 1 ? 0 : Math.floor(Math.log2(size) / 10));
  // A number and its unit stay on one line.
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)}\u00a0${UNITS[unit] ?? ''}`;
}

/**
 * Seconds as `45 s`, `4 min 10 s`, `2 h 5 min` or `3 days`.
 *
 * @param {number} seconds
 */
export function formatSeconds(seconds) {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/**
 * An instant in the local time zone.
 *
 * @param {string} at ISO 8601
 */
export function formatTime(at) {
  return TIME.format(new Date(at));
}

/**
 * The same with the time zone, beside times of other zones.
 *
 * @param {string} at ISO 8601
 */
export function formatZonedTime(at) {
  return ZONED.format(new Date(at));
}

const INSTANT = /\b(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC\b/g;

/**
 * A sentence of the worker with its instants as the page shows others, with their time zone.
 *
 * @param {string} sentence
 */
export function formatInstants(sentence) {
  return sentence.replaceAll(INSTANT, (_, day, time) => formatZonedTime(`${day}T${time}Z`));
}

/** The time zone of all times of the page, such as `Europe/Berlin, GMT+1`. */
export function describeZone() {
  const { timeZone } = ZONED.resolvedOptions();
  const short = ZONED.formatToParts(new Date()).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return short === timeZone ? timeZone : `${timeZone}, ${short}`;
}

/**
 * A count with its noun: `1 row`, `2 rows`.
 *
 * @param {number} count
 * @param {string} noun in the singular
 * @param {string} plural if it is not the noun with an s
 */
export function formatNoun(count, noun, plural = `${noun}s`) {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** @type {Readonly<Record<string, string>>} */
const STATUSES = {
  'stopped-by-guard': 'stopped by a guard',
  unknown: 'not known',
  'no-worker': 'not known',
  encoded: 'not known',
  'no-temporal': 'not known',
};

/**
 * The status of a run, or the state of an open one, in the words of the command line.
 *
 * @param {string} status
 */
export function formatStatus(status) {
  return STATUSES[status] ?? status;
}

/** @param {Date} at */
export function formatClock(at) {
  return CLOCK.format(at);
}

/**
 * An end of a time axis: with the day if the axis spans days, else with the hour, or the second if it spans some minutes.
 *
 * @param {number} at
 * @param {number} span both in milliseconds
 */
export function formatAxisEnd(at, span) {
  if (span > 0 && span < 600_000) return CLOCK.format(at);
  return (span > 2 * 86_400_000 ? DAY : HOUR).format(at);
}
