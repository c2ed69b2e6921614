import type { InferEntity } from '@mikro-orm/core';
import { z } from 'zod';

import { HOUR } from '../../duration.ts';
import type { RetentionOverrideOptions } from '../../retention.ts';
import type { Log } from './entities/index.ts';
import { parseJson, periodOrNever } from './periods.ts';

/** Where each level of Python's logging begins; a line belongs to the highest that it reaches. */
const LEVELS = { DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40, CRITICAL: 50 } as const;

/** A name of a level. */
type LogLevel = keyof typeof LEVELS;

/** The names, in their order. */
export const LOG_LEVELS = Object.keys(LEVELS) as LogLevel[];

/** How long log lines of a level are kept, in milliseconds. Null is for ever. */
export type LogRetention = ReadonlyMap<LogLevel, number | null>;

const Level = z.preprocess((name) => String(name).toUpperCase(), z.enum(LOG_LEVELS));

/** Retentions by level: an object, or JSON, of names and periods. */
export const LogRetentionSchema = z
  .preprocess(parseJson, z.record(Level, periodOrNever(HOUR - 1)))
  .transform((periods): LogRetention => new Map(Object.entries(periods) as [LogLevel, number | null][]));

/** The overrides of the pass. */
export function logOverrides(retention: LogRetention): RetentionOverrideOptions<InferEntity<typeof Log>>[] {
  return [...retention].map(([level, olderThan]) => {
    const next = LOG_LEVELS[LOG_LEVELS.indexOf(level) + 1];
    return {
      where: {
        level: {
          // A line without a level, 0, is of the lowest.
          ...(level === 'DEBUG' ? {} : { $gte: LEVELS[level] }),
          ...(next === undefined ? {} : { $lt: LEVELS[next] }),
        },
      },
      olderThan,
    };
  });
}
