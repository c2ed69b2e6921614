import type { Age, EpochAge } from '../../policy/epoch.ts';
import { EPOCH_UNITS, getAgeProperty } from '../../policy/epoch.ts';
import type { AnyEntity } from '../../policy/pass.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import {
  inUtc,
  isInstant,
  isNumber,
  NO_VALUES,
  toEpochType,
  toStoredEpochType,
} from '../dialect/column-types.ts';
import type { ColumnName } from '../stored/columns.ts';
import { contradictsEpoch } from './epoch-unit.ts';
import type { Scope } from './scope.ts';

/** The column of a property that says how old a row is; undefined, and reported, if its values are no instants. */
export function resolveAge(
  entity: AnyEntity,
  table: CatalogTable | undefined,
  age: Age,
  scope: Scope,
  option = 'age',
): ColumnName | undefined {
  const property = getAgeProperty(age);
  const column = scope.column(entity, table, property, option);
  if (column === undefined || table === undefined) return undefined;
  const name = `${scope.entities.name(entity)}.${property}`;
  if (typeof age === 'object') return resolveEpoch(name, table, column, age, scope, option);
  if (isInstant(column.type)) return column;
  const { instantType: stored, numbers } = table.columns.get(column.name) ?? {};
  if (stored !== undefined && isInstant(stored)) {
    return { ...column, type: scope.entities.isInstant(entity, property) ? inUtc(stored) : stored };
  }
  if (stored !== undefined) {
    return scope.addIssue(
      `${option} names ${name}, which has ${stored}`,
      numbers === undefined
        ? 'Store all instants of the column in one form, or name another property'
        : "If the other numbers stand for never, name the unit of those that count, as in epoch('property', 'ms')",
      `column ${table.label}.${column.name}`,
    );
  }
  return scope.addIssue(
    `${option} names ${name}, which is no timestamp or date in this database`,
    "Name a property with a point in time; a number since 1970 is written as epoch('property', 'ms')",
    `its type is ${column.type}`,
  );
}

/**
 * A column with numbers since 1970. Numbers in another unit would be ages of thousands of years, or none at all. `name` is
 * what a person calls the column.
 */
function resolveEpoch(
  name: string,
  table: CatalogTable,
  column: ColumnName,
  { unit }: EpochAge,
  scope: Scope,
  option: string,
): ColumnName | undefined {
  const { instantType, numbers } = table.columns.get(column.name) ?? {};
  const units = EPOCH_UNITS[unit];
  if (instantType === undefined && !isNumber(column.type)) {
    return scope.addIssue(
      `${option} takes ${name} for a number since 1970, and it is none in this database`,
      'Name the property alone if it is a point in time',
      `its type is ${column.type}`,
    );
  }
  if (instantType === NO_VALUES) return { ...column, type: NO_VALUES };
  const isNoNumber = instantType !== undefined && numbers === undefined;
  if (!isNoNumber && !contradictsEpoch(numbers ?? [], unit)) {
    const type = instantType === undefined ? toEpochType(units, column.type) : toStoredEpochType(units);
    return { ...column, type };
  }
  return scope.addIssue(
    `${option} takes ${name} for ${units} since 1970, and none of its values is one between 1973 and 2128`,
    `Name the unit of its values: ${Object.keys(EPOCH_UNITS).join(', ')}`,
    `column ${table.label}.${column.name}`,
  );
}
