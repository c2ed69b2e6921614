import { HOUR } from '../../policy/duration.ts';
import type { ExpireRows, RowAge } from '../../policy/expire-rows.ts';
import { isParentAge } from '../../policy/parent-age.ts';
import type { Period } from '../../policy/period.ts';
import type { RetentionColumn } from '../../policy/retention-column.ts';
import { isRetentionColumn, RETENTION_UNITS } from '../../policy/retention-column.ts';
import type { KeepLast } from '../../policy/retention.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import { findCommonType, isNumber, toMixedType } from '../dialect/column-types.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { AgeColumn, Ages, ColumnName } from '../stored/columns.ts';
import type { StoredRetentionColumn, StoredKeep, StoredRetention } from '../stored/expiry.ts';
import { resolveAge } from './age-column.ts';
import { computeHorizon, toStoredHorizon } from './compute-horizon.ts';
import { resolveReference } from './reference.ts';
import type { Scope } from './scope.ts';

/** The columns with the age of a row, of which the first that is not null counts; undefined if one is missing. */
export function resolveAges(
  pass: ExpireRows,
  table: CatalogTable | undefined,
  scope: Scope,
): Ages | undefined {
  const ages = pass.age.map((age) => resolveRowAge(pass, table, age, scope));
  if (!ages.every((age) => age !== undefined)) return undefined;
  const common = findCommonType(ages.map((age) => age.type));
  const [first, ...more] = ages.map((age) => ({ ...age, type: common ?? toMixedType(age.type) }));
  return first === undefined ? undefined : [first, ...more];
}

/** An age of the row, or of the row that it references. */
function resolveRowAge(
  pass: ExpireRows,
  table: CatalogTable | undefined,
  age: RowAge,
  scope: Scope,
): AgeColumn | undefined {
  if (!isParentAge(age)) return resolveAge(pass.entity, table, age, scope);
  const holder = scope.readTable(age.parent);
  const column = resolveAge(age.parent, holder, age.age, scope, 'age.age');
  const reference = resolveReference(
    { entity: pass.entity, table, property: age.by, option: 'age.by' },
    { entity: age.parent, table: holder },
    scope,
  );
  if (column === undefined || reference === undefined || holder === undefined) return undefined;
  return { ...column, parent: { table: toTableName(holder), ...reference } };
}

/** A retention of which something may be missing: `keep` is undefined then, or `column` null. */
type MaybeRetention = Omit<StoredRetention, 'keep' | 'column'> & {
  readonly keep: StoredKeep | null | undefined;
  readonly column?: StoredRetentionColumn | null;
};

/** The retentions of a pass, the overrides first and its own last; undefined if something is missing. */
export function resolveRetentions(
  pass: ExpireRows,
  table: CatalogTable | undefined,
  age: ColumnName | undefined,
  scope: Scope,
): readonly StoredRetention[] | undefined {
  const own = resolveKeep(pass, pass.keepLast, table, 'keepLast', scope);
  const overrides = pass.overrides.flatMap(({ where, olderThan, keepLast }, n) => {
    const option = `overrides[${n}]`;
    const dropped = scope.dropped(pass.entity, where, `${option}.where`);
    const override = {
      where: scope.predicate(pass.entity, where, `${option}.where`),
      olderThan,
      keep: keepLast === undefined ? own : resolveKeep(pass, keepLast, table, `${option}.keepLast`, scope),
    };
    // Whether an override means such rows is not known: they stay.
    return dropped === null ? [override] : [{ where: dropped, olderThan: null, keep: null }, override];
  });
  const all = [...overrides, { where: null, olderThan: pass.olderThan, keep: own }];
  if (age === undefined) return undefined;
  const horizonFor = (olderThan: Period | null): Pick<StoredRetention, 'horizon' | 'period'> =>
    olderThan === null ? { horizon: null } : toStoredHorizon(scope.now, olderThan, age);
  const stored = all.map(({ where, olderThan, keep }): MaybeRetention => {
    if (!isRetentionColumn(olderThan)) return { where, ...horizonFor(olderThan), keep };
    const column = resolveColumn(pass, olderThan, table, age, scope);
    return { where, ...horizonFor(olderThan.default), keep, column: column ?? null };
  });
  return stored.every(
    (retention): retention is StoredRetention => retention.keep !== undefined && retention.column !== null,
  )
    ? stored
    : undefined;
}

/** The latest horizon that any row can have: nothing younger is looked at. */
export function computeLatestHorizon(
  retentions: readonly StoredRetention[],
  now: string,
  age: ColumnName,
): string {
  const horizons = retentions.flatMap(({ horizon, column }) => [
    ...(horizon === null ? [] : [horizon]),
    ...(column === undefined ? [] : [computeHorizon(now, column.leastMillis, age)]),
  ]);
  // Without any, nothing is old.
  return horizons.toSorted().at(-1) ?? computeHorizon(now, Number.NaN, age);
}

/** A retention that stands in the database, looked up; undefined if something is missing. */
function resolveColumn(
  pass: ExpireRows,
  { column, unit, parent, by }: RetentionColumn,
  table: CatalogTable | undefined,
  age: ColumnName,
  scope: Scope,
): StoredRetentionColumn | undefined {
  const entity = parent ?? pass.entity;
  const holder = parent === undefined ? table : scope.readTable(parent);
  const found = scope.column(entity, holder, column, 'olderThan.column');
  const reference =
    parent === undefined || by === undefined
      ? undefined
      : resolveReference(
          { entity: pass.entity, table, property: by, option: 'olderThan.by' },
          { entity: parent, table: holder },
          scope,
        );
  if (found === undefined || holder === undefined) return undefined;
  const isInterval = unit === 'interval';
  if (
    !(isInterval ? found.type.startsWith('interval') && !found.type.endsWith('[]') : isNumber(found.type))
  ) {
    return scope.addIssue(
      `olderThan names ${scope.entities.name(entity)}.${column}, which is no ${isInterval ? 'interval' : 'number'} in this database`,
      "Name a property with a number, which olderThan.unit counts, or with an interval as unit: 'interval'",
      `its type is ${found.type}`,
    );
  }
  const basics = {
    column: found,
    ...(isInterval ? { isInterval } : {}),
    unitMillis: isInterval ? 1 : RETENTION_UNITS[unit],
    leastMillis: pass.allowShort ? 0 : HOUR,
    horizon: computeHorizon(scope.now, 0, age),
  };
  if (parent === undefined) return { ...basics, parent: null };
  if (reference === undefined) return undefined;
  return { ...basics, parent: { table: toTableName(holder), ...reference } };
}

function resolveKeep(
  pass: ExpireRows,
  keepLast: KeepLast | null | undefined,
  table: CatalogTable | undefined,
  option: string,
  scope: Scope,
): StoredKeep | null | undefined {
  if (keepLast === undefined || keepLast === null) return null;
  const per = keepLast.per.flatMap((property): (ColumnName | undefined)[] => {
    const relation = scope.entities.compositeRelation(pass.entity, property);
    if (relation === undefined) return [scope.column(pass.entity, table, property, `${option}.per`)];
    // Without a table what is wrong is reported already.
    if (table === undefined) return [undefined];
    return relation.columns.map((column) => scope.columnOf(pass.entity, table, column, property));
  });
  if (!per.every((column) => column !== undefined)) return undefined;
  // Two relations may have a column in common, as that of a tenant.
  const once = new Map(per.map((column) => [column.name, column]));
  return { count: keepLast.count, per: [...once.values()] };
}
