import { inspect } from 'node:util';

import type { LogLevel } from '@temporalio/worker';
import { DefaultLogger } from '@temporalio/worker';

/** A log for people on standard error: a line an entry; what an entry carries along only at level debug. */
export function createLogger(level: LogLevel): DefaultLogger {
  return new DefaultLogger(level, ({ level: of, timestampNanos, message, meta }) => {
    const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
    const carried = level === 'DEBUG' || level === 'TRACE' ? ` ${inspect(meta, { depth: 3 })}` : '';
    process.stderr.write(`${time} ${of} ${message}${carried}\n`);
  });
}
