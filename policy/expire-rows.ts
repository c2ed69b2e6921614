import type { EntityKey, EntityName, FilterQuery } from '@mikro-orm/core';
import { z } from 'zod';

import type { Age } from './epoch.ts';
import { AgeSchema } from './epoch.ts';
import type { FileRoot } from './file-root.ts';
import { RootSchema } from './file-root.ts';
import { getFilter, FilterSchema } from './filter.ts';
import type { ParentAge } from './parent-age.ts';
import { isParentAge, ParentAgeSchema } from './parent-age.ts';
import type { AnyEntity, PassOptions } from './pass-options.ts';
import { passOptions } from './pass-options.ts';
import { PeriodSchema, LongPeriodSchema } from './period-schemas.ts';
import type { Period } from './period.ts';
import type { RetentionColumn, RetentionColumnOptions } from './retention-column.ts';
import { isRetentionColumn, retentionColumnSchema } from './retention-column.ts';
import type {
  KeepAtMost,
  KeepLast,
  KeepLastOptions,
  RetentionOverride,
  RetentionOverrideOptions,
} from './retention.ts';
import { KeepAtMostSchema, KeepLastSchema } from './retention.ts';
import type { SoftChild } from './soft-child.ts';
import { SoftChildSchema } from './soft-child.ts';
import { EntitySchema, FlagSchema, listSchema, PropertySchema, strictOptions } from './strict-options.ts';
import { chooseSchema, issueParams, withFix } from './zod-issues.ts';

export { softChild } from './soft-child.ts';
export type { SoftChild, SoftChildOptions } from './soft-child.ts';

/** An age of a row: of its own, or of a row that it references. */
export type RowAge<Property extends string = string> = Age<Property> | ParentAge<Property>;

/** The options of {@link expireRows}. */
export interface ExpireRowsOptions<Row> extends PassOptions {
  /** The entity whose rows expire. */
  readonly entity: EntityName<Row>;
  /**
   * The property with the row's age: a timestamp or date, a number since 1970 as `epoch('expiresAt', 'ms')`, or a property of
   * the row that it references, as `parentAge({ parent: Event, by: 'event', age: 'occurred' })`. Rows where it is null never
   * expire. Of several, the first that is not null counts; they may have different types. Only a single one of the row itself
   * can be scanned by an index.
   */
  readonly age: RowAge<EntityKey<Row>> | readonly RowAge<EntityKey<Row>>[];
  /**
   * How old a row must be to expire: the horizon of a run is its begin minus this. At least one hour unless
   * `allowShort`. `null`: only rows of an override expire. Or what a column of the row, or of its parent, says.
   */
  readonly olderThan: Period | RetentionColumnOptions<Row> | null;
  /**
   * Other retentions for some rows, shorter or longer; the first that matches a row counts. All are judged in one walk,
   * since a page that is touched twice is written to the log twice. Default: none.
   */
  readonly overrides?: readonly RetentionOverrideOptions<Row>[];
  /**
   * The newest rows of each group that stay, by age, among those that match `where`. Which ones is found when the run
   * begins; if some of them are deleted meanwhile, nothing of their group is deleted until the next run. Default: none.
   */
  readonly keepLast?: KeepLastOptions<Row>;
  /**
   * At most so many rows stay, whatever their age: when the run begins, the age of the last of the newest `rows` that match
   * `where` is looked up, and older ones expire too. Rows of the very same age stay. Not together with `overrides`, or with a
   * retention in a column. Default: no limit.
   */
  readonly keepAtMost?: KeepAtMost;
  /** Which rows can expire at all. Default: all. Evaluated again in the statement that deletes. */
  readonly where?: FilterQuery<Row>;
  /**
   * The property with a foreign key that makes a row the child of another row of the same entity, directly or
   * through tables in between, and that the database sets to null when that parent goes. Rows where it is set are
   * spared; rows whose parent goes in this run are judged on their own age in the same run, level after level.
   */
  readonly nestedBy?: EntityKey<Row>;
  /**
   * Soft children that go in the same transaction, in this order, or whose reference is set to null. Children by foreign key
   * need no mention.
   */
  readonly with?: readonly SoftChild[];
  /**
   * Roots of files that the rows, and soft children, record: what the root's `recordedBy` says of their entities. Paths of rows
   * that go are written into the ledger with the delete, for a later `deleteRecordedFiles`. Default: none.
   */
  readonly files?: readonly FileRoot[];
  /** Permits an `olderThan` below one hour. Default: false. */
  readonly allowShort?: boolean;
  /**
   * Permits that no row of the table is newer than the horizon, as when nobody writes to the table any more. Default:
   * false, because a clock or a unit that is wrong looks like that.
   */
  readonly allowNewest?: boolean;
}

/** A pass that deletes rows past the retention, with everything that hangs on them. */
export interface ExpireRows extends PassOptions {
  readonly kind: 'expireRows';
  readonly entity: AnyEntity;
  /** At least one; of several the first that is not null counts. */
  readonly age: readonly RowAge[];
  readonly olderThan: Period | RetentionColumn | null;
  readonly overrides: readonly RetentionOverride[];
  readonly keepLast?: KeepLast;
  readonly keepAtMost?: KeepAtMost;
  readonly where: object;
  readonly nestedBy?: string;
  readonly with: readonly SoftChild[];
  readonly files: readonly FileRoot[];
  readonly allowShort: boolean;
  readonly allowNewest: boolean;
}

/**
 * Deletes the rows of an entity that are older than a retention and match a filter, together with their soft
 * children, in one transaction a batch. What foreign keys cascade to goes with them and is counted. A row that no
 * longer matches, or that another session holds a lock on, stays.
 */
export function expireRows<Row>(options: ExpireRowsOptions<Row>): ExpireRows {
  return Object.freeze({
    ...options,
    kind: 'expireRows',
    age: toList(options.age),
    overrides: options.overrides ?? [],
    where: getFilter(options),
    with: options.with ?? [],
    files: options.files ?? [],
    allowShort: options.allowShort ?? false,
    allowNewest: options.allowNewest ?? false,
  });
}

function toList<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

const AnySchema = schemaFor(PeriodSchema);
const LongSchema = schemaFor(LongPeriodSchema);

/** The options of the kind. */
export const ExpireRowsSchema = chooseSchema((pass) =>
  (pass as { readonly allowShort: unknown }).allowShort === true ? AnySchema : LongSchema,
);

function schemaFor(DurationSchema: z.ZodType): z.ZodType {
  const ColumnSchema = retentionColumnSchema(DurationSchema);
  const olderThan = chooseSchema((value) =>
    isRetentionColumn(value) ? ColumnSchema : DurationSchema.nullable(),
  );
  const keepLast = KeepLastSchema.nullish();
  return passOptions({
    entity: EntitySchema,
    age: withFix(
      z.array(z.unknown()).min(1),
      'Name the property with the age of a row',
      (option) => `${option} names no property`,
    ).pipe(z.array(chooseSchema((age) => (isParentAge(age) ? ParentAgeSchema : AgeSchema)))),
    olderThan,
    keepLast,
    keepAtMost: KeepAtMostSchema.optional(),
    overrides: listSchema(strictOptions({ where: FilterSchema, olderThan, keepLast })),
    where: FilterSchema,
    nestedBy: PropertySchema.optional(),
    with: listSchema(SoftChildSchema),
    files: listSchema(RootSchema),
    allowShort: FlagSchema,
    allowNewest: FlagSchema,
  })
    .refine(
      (pass) =>
        pass.keepAtMost !== undefined ||
        [pass, ...pass.overrides].some((retention) => retention.olderThan !== null),
      issueParams(
        () => 'olderThan is null, so that nothing would ever expire',
        'Give it a duration, or leave the pass out',
      ),
    )
    .refine(
      (pass) =>
        pass.keepAtMost === undefined || (pass.overrides.length === 0 && !isRetentionColumn(pass.olderThan)),
      issueParams(
        () => 'keepAtMost stands beside retentions of single rows, so that it is not clear which rows count',
        'Leave overrides and the column of olderThan out, or use two passes with a where each',
      ),
    );
}
