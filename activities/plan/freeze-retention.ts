import type { Duration } from '../../policy/duration.ts';
import { HOUR, parseDuration } from '../../policy/duration.ts';
import type { ExpireRows } from '../../policy/expire-rows.ts';
import type { RetentionColumn } from '../../policy/retention-column.ts';
import { isRetentionColumn, RETENTION_UNITS } from '../../policy/retention-column.ts';
import type { KeepLast } from '../../policy/retention.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { ColumnName } from '../sql/names.ts';
import type { FrozenRetentionColumn } from '../sql/own-retention.ts';
import type { FrozenKeep, FrozenRetention } from '../sql/retention.ts';
import { horizonOf } from './horizon.ts';
import type { Scope } from './scope.ts';
import { nameOf } from './scope.ts';

/** The columns with the age of a row, of which the first that is not null counts; undefined where one is missing. */
export function freezeAges(
  pass: ExpireRows,
  table: CatalogTable | undefined,
  scope: Scope,
): readonly [ColumnName, ...ColumnName[]] | undefined {
  const ages = pass.age.map((property) => scope.ageColumn(pass.entity, table, property));
  if (!ages.every((age) => age !== undefined)) return undefined;
  const [first, ...more] = ages;
  if (first === undefined) return undefined;
  if (more.every((age) => age.type === first.type)) return [first, ...more];
  return scope.mistake(
    `age names ${pass.age.join(', ')}, which have different types in this database`,
    'Name properties of one type, since a horizon means something else for a date than for an instant',
    ages.map(({ name, type }) => `${name} is ${type}`).join(', '),
  );
}

/** The retentions of a pass, the overrides first and its own last; undefined where something is missing. */
export function freezeRetentions(
  pass: ExpireRows,
  table: CatalogTable | undefined,
  age: ColumnName | undefined,
  scope: Scope,
): readonly FrozenRetention[] | undefined {
  const own = freezeKeep(pass, pass.keepLast, table, 'keepLast', scope);
  const overrides = pass.overrides.map(({ where, olderThan, keepLast }, n) => ({
    where: scope.predicate(pass.entity, where, `overrides[${n}].where`),
    olderThan,
    keep: keepLast === undefined ? own : freezeKeep(pass, keepLast, table, `overrides[${n}].keepLast`, scope),
  }));
  const all = [...overrides, { where: null, olderThan: pass.olderThan, keep: own }];
  if (age === undefined) return undefined;
  const horizonFor = (olderThan: Duration | null): string | null =>
    olderThan === null ? null : horizonOf(scope.now, parseDuration(olderThan) ?? Number.NaN, age);
  const frozen = all.map(({ where, olderThan, keep }) => {
    if (!isRetentionColumn(olderThan)) return { where, horizon: horizonFor(olderThan), keep };
    const column = freezeColumn(pass, olderThan, table, age, scope);
    return { where, horizon: horizonFor(olderThan.default), keep, column: column ?? null };
  });
  return frozen.every(
    (retention): retention is FrozenRetention => retention.keep !== undefined && retention.column !== null,
  )
    ? frozen
    : undefined;
}

/** The latest horizon that any row can have: nothing younger is looked at. */
export function latestHorizon(retentions: readonly FrozenRetention[], now: string, age: ColumnName): string {
  const horizons = retentions.flatMap(({ horizon, column }) => [
    ...(horizon === null ? [] : [horizon]),
    ...(column === undefined ? [] : [horizonOf(now, column.leastMillis, age)]),
  ]);
  return horizons.toSorted().at(-1) ?? now;
}

/** A retention that stands in the database, looked up; undefined where something is missing. */
function freezeColumn(
  pass: ExpireRows,
  { column, unit, parent, by }: RetentionColumn,
  table: CatalogTable | undefined,
  age: ColumnName,
  scope: Scope,
): FrozenRetentionColumn | undefined {
  const entity = parent ?? pass.entity;
  const holder = parent === undefined ? table : scope.table(parent, ['select']);
  const found = scope.column(entity, holder, column, 'olderThan.column');
  const named = by === undefined ? undefined : scope.column(pass.entity, table, by, 'olderThan.by');
  const key = parent === undefined ? undefined : scope.key(parent, holder);
  if (found === undefined || holder === undefined) return undefined;
  if (!/^(smallint|integer|bigint|numeric|real|double precision)\b/.test(found.type)) {
    return scope.mistake(
      `olderThan names ${scope.entities.name(entity)}.${column}, which is no number in this database`,
      'Name a property with a number of hours, days or weeks',
      `its type is ${found.type}`,
    );
  }
  const basics = {
    column: found,
    unitMillis: RETENTION_UNITS[unit],
    leastMillis: pass.allowShort ? 0 : HOUR,
    horizon: horizonOf(scope.now, 0, age),
  };
  if (parent === undefined) return { ...basics, parent: null };
  if (named === undefined || key === undefined) return undefined;
  scope.comparable(pass.entity, by ?? '', named, key);
  return { ...basics, parent: { table: nameOf(holder), key, by: named } };
}

function freezeKeep(
  pass: ExpireRows,
  keepLast: KeepLast | null | undefined,
  table: CatalogTable | undefined,
  option: string,
  scope: Scope,
): FrozenKeep | null | undefined {
  if (keepLast === undefined || keepLast === null) return null;
  const per = keepLast.per.map((property) => scope.column(pass.entity, table, property, `${option}.per`));
  return per.every((column) => column !== undefined) ? { count: keepLast.count, per } : undefined;
}
