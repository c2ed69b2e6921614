import type { EntityKey, EntityName } from '@mikro-orm/core';
import type { z } from 'zod';

import type { Duration } from './duration.ts';
import { durationBetween, SECOND } from './duration.ts';
import type { AnyEntity, PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { PeriodSchema, LongPeriodSchema } from './period-schemas.ts';
import type { Period } from './period.ts';
import { EntitySchema, FlagSchema, PropertySchema } from './strict-options.ts';
import { chooseSchema, withFix } from './zod-issues.ts';

/** The options of {@link dropPartitions}. */
export interface DropPartitionsOptions<Row> extends PassOptions {
  /** The entity of the table that is partitioned by range of `age`, and by nothing else. */
  readonly entity: EntityName<Row>;
  /** The property with the age of a row: a timestamp or date. */
  readonly age: EntityKey<Row>;
  /**
   * How old all rows of a partition must be: the horizon of a run is its begin minus this. At least one hour unless
   * `allowShort`. The upper bound of the partition proves it.
   */
  readonly olderThan: Period;
  /**
   * How long a drop waits for those who use the whole table, while all others wait behind it. It is tried again some
   * times, after a rest of five times as long, at most 10 seconds. 10 ms to a minute; default `'100 ms'`. More is for a
   * table with transactions that stay open.
   */
  readonly lockTimeout?: Duration;
  /** Permits an `olderThan` below one hour. Default: false. */
  readonly allowShort?: boolean;
  /**
   * Permits that no row of the table is newer than the horizon, as when nobody writes to the table any more. Default:
   * false, because a clock that is wrong looks like that.
   */
  readonly allowNewest?: boolean;
}

/** A pass that drops old partitions. */
export interface DropPartitions extends PassOptions {
  readonly kind: 'dropPartitions';
  readonly entity: AnyEntity;
  readonly age: string;
  readonly olderThan: Period;
  readonly lockTimeout: Duration;
  readonly allowShort: boolean;
  readonly allowNewest: boolean;
}

/**
 * Drops the partitions of a table of which all rows are older than a retention, by their upper bound. The rows are counted
 * before, in the same transaction. A partition with a row that a hold names, or that another row references, stays whole;
 * so do the default partition and those that nearly are old enough. PostgreSQL only.
 */
export function dropPartitions<Row>(options: DropPartitionsOptions<Row>): DropPartitions {
  return Object.freeze({
    ...options,
    kind: 'dropPartitions',
    lockTimeout: options.lockTimeout ?? '100 ms',
    allowShort: options.allowShort ?? false,
    allowNewest: options.allowNewest ?? false,
  });
}

const WHOLE = 'A partition is dropped whole, whatever its rows are';
const BY_ROWS = `${WHOLE}: use an expireRows pass over the same entity, which has this option`;

/** What to do without options of `expireRows` that judge single rows. */
const SUBSTITUTES = new Map([
  ...['where', 'overrides', 'keepAtMost', 'with', 'files'].map((option) => [option, BY_ROWS] as const),
  [
    'keepLast',
    `${WHOLE}, and no pass looks for the newest of a group in several partitions: leave it out, and hold the rows that must stay, whose partitions then stay too`,
  ] as const,
]);

const AnySchema = schemaFor(PeriodSchema);
const LongSchema = schemaFor(LongPeriodSchema);

/** The options of the kind. */
export const DropPartitionsSchema = chooseSchema((pass) =>
  (pass as { readonly allowShort: unknown }).allowShort === true ? AnySchema : LongSchema,
);

function schemaFor(olderThan: z.ZodType): z.ZodType {
  return passOptions(
    {
      entity: EntitySchema,
      age: PropertySchema,
      olderThan,
      lockTimeout: withFix(durationBetween(10, 60 * SECOND), "Use a duration from '10 ms' to '1 minute'"),
      allowShort: FlagSchema,
      allowNewest: FlagSchema,
    },
    SUBSTITUTES,
  );
}
