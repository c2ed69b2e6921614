import type { LatestPointer } from '../../policy/latest-pointer.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { StoredPointer } from '../stored/row-tree.ts';
import { cascadesFrom } from './cascades.ts';
import { checkComparable, resolveReference } from './reference.ts';
import type { Scope } from './scope.ts';
import { refuseRules } from './uncountable.ts';

/** A pointer with its tables and columns looked up; undefined if something is missing. */
export function resolvePointer(pointer: LatestPointer, scope: Scope): StoredPointer | undefined {
  const { holder, target } = pointer;
  const holderTable = scope.table(holder, ['select', 'update', 'delete']);
  const targetTable = scope.table(target, ['select']);
  const reference = resolveReference(
    { entity: holder, table: holderTable, property: pointer.pointer, option: 'pointer' },
    { entity: target, table: targetTable },
    scope,
  );
  const found = {
    pointer: reference?.by,
    targetKey: reference?.key,
    holderGroup: scope.column(holder, holderTable, pointer.group, 'group'),
    targetGroup: scope.column(target, targetTable, pointer.group, 'group'),
    newest: scope.column(target, targetTable, pointer.newest, 'newest'),
  };
  const copy = pointer.copy.map((property) => ({
    to: scope.column(holder, holderTable, property, 'copy'),
    from: scope.column(target, targetTable, property, 'copy'),
  }));
  if (holderTable === undefined || targetTable === undefined) return undefined;
  refuseRules(holderTable, 'update', scope);
  if (!isWhole(found) || !copy.every(isWhole)) return undefined;
  checkComparable(holder, pointer.group, found.holderGroup, target, found.targetGroup, scope);
  if (targetTable.columns.get(found.targetKey.name)?.notNull !== true) {
    return scope.addIssue(
      `pointer names ${scope.entities.name(holder)}.${pointer.pointer}, whose target may be without a key, and then nothing could point at it`,
      'Let it name a key that is not null',
      `column ${targetTable.label}.${found.targetKey.name}`,
    );
  }
  const cascades = cascadesFrom(scope.catalog, holderTable);
  return { holder: toTableName(holderTable), target: toTableName(targetTable), ...found, copy, cascades };
}

function isWhole<T extends object>(parts: T): parts is { [K in keyof T]: NonNullable<T[K]> } {
  return Object.values(parts).every((part) => part !== undefined);
}
