import { inspect } from 'node:util';

import type { LogEntry, LogLevel } from '@temporalio/worker';
import { DefaultLogger } from '@temporalio/worker';

/** One line of text an entry, for people and journald, or one line of JSON, for Loki and others. */
export type LogFormat = 'text' | 'json';

/**
 * Logs to standard error, one line an entry. At level info only what the vacuum says of its runs: the entries of Temporal's
 * library come from warn on, with the message of their error and without its stack. Level debug shows everything.
 */
export function createLogger(level: LogLevel, format: LogFormat = 'text'): DefaultLogger {
  const isVerbose = level === 'DEBUG' || level === 'TRACE';
  const write = format === 'json' ? formatJson : formatText;
  return new DefaultLogger(level, (entry) => {
    const isOurs = typeof entry.meta?.['policy'] === 'string';
    if (entry.level === 'INFO' && !isOurs && !isVerbose) return;
    process.stderr.write(`${write(entry, isVerbose)}\n`);
  });
}

function formatText({ level, timestampNanos, message, meta }: LogEntry, isVerbose: boolean): string {
  const carried = isVerbose ? ` ${inspect(meta, { depth: 3 })}` : describeCause(meta);
  const line = `${formatTime(timestampNanos)} ${level} ${message}${carried}`;
  return isVerbose ? line : line.replaceAll(/\s*\n\s*/g, ' ');
}

/** The fields of an entry that say where it comes from; the library adds many more. */
const FIELDS = [
  'policy',
  'run',
  'pass',
  'kind',
  'status',
  'rows',
  'millis',
  'reasons',
  'notes',
  'type',
  'workflowId',
  'activityType',
  'attempt',
  'taskQueue',
];

function formatJson({ level, timestampNanos, message, meta = {} }: LogEntry, isVerbose: boolean): string {
  const fields = Object.fromEntries(FIELDS.filter((name) => name in meta).map((name) => [name, meta[name]]));
  const { error } = meta;
  const reason = error === undefined ? {} : { error: isVerbose ? inspect(error) : findMessage(error) };
  return JSON.stringify({ time: formatTime(timestampNanos), level, message, ...fields, ...reason });
}

function formatTime(nanos: bigint): string {
  return new Date(Number(nanos / 1_000_000n)).toISOString();
}

/** Of an entry of the library: its workflow or activity, and why. */
function describeCause(meta: LogEntry['meta']): string {
  if (meta?.['error'] === undefined) return '';
  const where = [meta['activityType'], meta['workflowId']].filter((name) => typeof name === 'string');
  return ` (${where.join(' of ')}): ${findMessage(meta['error'])}`;
}

function findMessage(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}
