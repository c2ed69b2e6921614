import { parseDuration } from '../../policy/duration.ts';
import type { ExpireRows } from '../../policy/expire-rows.ts';
import type { KeepLast } from '../../policy/retention.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { ColumnName } from '../sql/names.ts';
import type { FrozenKeep, FrozenRetention } from '../sql/retention.ts';
import { horizonOf } from './horizon.ts';
import type { Scope } from './scope.ts';

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
  const frozen = all.map(({ where, olderThan, keep }) => ({
    where,
    horizon: olderThan === null ? null : horizonOf(scope.now, parseDuration(olderThan) ?? Number.NaN, age),
    keep,
  }));
  return frozen.every((retention): retention is FrozenRetention => retention.keep !== undefined)
    ? frozen
    : undefined;
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
