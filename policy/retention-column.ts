import type { EntityKey, EntityName } from '@mikro-orm/core';
import { z } from 'zod';

import { DAY, HOUR, SECOND } from './duration.ts';
import type { AnyEntity } from './pass-options.ts';
import type { Period } from './period.ts';
import { EntitySchema, PropertySchema, strictOptions } from './strict-options.ts';
import { issueParams, withFix } from './zod-issues.ts';

/** What a number in a retention column counts, in milliseconds: always the same time, whatever the clocks do. */
export const RETENTION_UNITS = {
  milliseconds: 1,
  seconds: SECOND,
  minutes: 60 * SECOND,
  hours: HOUR,
  days: DAY,
  weeks: 7 * DAY,
} as const;

interface RetentionColumnBasics {
  /** What the numbers count. A day is always 24 hours. `'interval'` if the column is an interval of PostgreSQL, by its calendar. */
  readonly unit: keyof typeof RETENTION_UNITS | 'interval';
  /** For rows where the column is null, or that have no parent. `null` keeps them for ever. */
  readonly default: Period | null;
}

/**
 * How old a row must be, read from the database in the statement that deletes: from a column of the row, or of its
 * parent. A number that comes to less than one hour, or is negative, keeps its row for ever, unless the pass says
 * `allowShort`; then only a negative one does. One of more than 2,000 years keeps it for ever as well.
 */
export type RetentionColumnOptions<Row> =
  | (RetentionColumnBasics & {
      /** The property of the row with the number. */
      readonly column: EntityKey<Row>;
    })
  | (RetentionColumnBasics & {
      /** The entity of the parent that has the number. */
      readonly parent: EntityName;
      /** The row's property with the parent's primary key. */
      readonly by: EntityKey<Row>;
      /** The property of the parent with the number. */
      readonly column: string;
    });

/** A {@link RetentionColumnOptions} without the shape of its row. */
export interface RetentionColumn extends RetentionColumnBasics {
  readonly column: string;
  readonly parent?: AnyEntity;
  readonly by?: string;
}

/** Whether a retention stands in the database. */
export function isRetentionColumn(olderThan: unknown): olderThan is RetentionColumn {
  return typeof olderThan === 'object' && olderThan !== null;
}

/** The options of a retention column. `DefaultSchema` is that of its `default`. */
export function retentionColumnSchema(DefaultSchema: z.ZodType): z.ZodType {
  return strictOptions({
    column: withFix(z.string(), 'Name the property with the number'),
    unit: withFix(
      z.enum([...Object.keys(RETENTION_UNITS), 'interval']),
      `Use one of ${Object.keys(RETENTION_UNITS).join(', ')}, or interval`,
    ),
    default: DefaultSchema.nullable(),
    parent: EntitySchema.optional(),
    by: PropertySchema.optional(),
  }).refine(
    ({ parent, by }) => (parent === undefined) === (by === undefined),
    issueParams(
      (option) => `${option} has one of parent and by`,
      'Give it both for a column of a parent, none for one of the row',
    ),
  );
}
