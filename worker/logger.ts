import { inspect } from 'node:util';

import type { LogLevel } from '@temporalio/worker';
import { DefaultLogger } from '@temporalio/worker';

/** Logs to standard error, one line an entry. Only level debug shows the metadata of an entry. */
export function createLogger(level: LogLevel): DefaultLogger {
  return new DefaultLogger(level, ({ level: of, timestampNanos, message, meta }) => {
    const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
    const carried = level === 'DEBUG' || level === 'TRACE' ? ` ${inspect(meta, { depth: 3 })}` : '';
    process.stderr.write(`${time} ${of} ${message}${carried}\n`);
  });
}
