import type { FileRoot } from '../../policy/file-root.ts';
import type { AnyEntity } from '../../policy/pass.ts';
import type { PassPlan } from '../passes/pass.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { FrozenRoot, PathColumn } from '../sql/known-files.ts';
import type { FrozenPointer } from '../sql/pointers.ts';
import type { FrozenPath } from '../sql/recording.ts';
import type { CascadeStep } from './cascades.ts';
import type { Scope } from './scope.ts';
import { nameOf } from './scope.ts';

/** A root with its columns looked up; undefined where one is missing. */
export function freezeRoot({ name, recordedBy }: FileRoot, scope: Scope): FrozenRoot | undefined {
  const columns = recordedBy.map(({ entity, path }): PathColumn | undefined => {
    const table = scope.table(entity, ['select']);
    const column = scope.column(entity, table, path, `recordedBy of root ${JSON.stringify(name)}`);
    if (table === undefined || column === undefined) return undefined;
    if (/^(text|character varying)/.test(column.type)) return { table: nameOf(table), column };
    return scope.mistake(
      `recordedBy of root ${JSON.stringify(name)} names ${scope.entities.name(entity)}.${path}, which is no text in this database`,
      'Name a property with the path of a file',
      `its type is ${column.type}`,
    );
  });
  return columns.every((column) => column !== undefined) ? { name, recordedBy: columns } : undefined;
}

/** The columns of an entity that record files of some roots. */
export function freezePaths(
  roots: readonly FileRoot[],
  entity: AnyEntity,
  table: CatalogTable | undefined,
  scope: Scope,
): FrozenPath[] {
  return roots.flatMap((root) =>
    root.recordedBy
      .filter((recorded) => recorded.entity === entity)
      .flatMap(({ path }) => {
        const column = scope.column(entity, table, path, `recordedBy of root ${JSON.stringify(root.name)}`);
        return column === undefined ? [] : [{ root: root.name, column }];
      }),
  );
}

/** Whether rows of an entity record files of some roots. */
export function recordsFiles(roots: readonly FileRoot[], entity: AnyEntity): boolean {
  return roots.some(({ recordedBy }) => recordedBy.some((recorded) => recorded.entity === entity));
}

/**
 * A row that goes by cascade, or as a pointer that points at nothing, is not asked for its paths: its files would be left
 * behind. A pointer that copies the path from what it points at has no file of its own.
 */
export function refuseUnasked(
  roots: readonly FileRoot[],
  cascades: readonly CascadeStep[],
  pointers: readonly FrozenPointer[],
  scope: Scope,
): void {
  const reached = new Set(cascades.map(({ table }) => table.label));
  for (const { name, recordedBy } of roots) {
    for (const { entity, path } of recordedBy) {
      const { schema, name: table } = scope.entities.table(entity);
      const label = scope.catalog.find(schema, table)?.label ?? '';
      const child = scope.entities.name(entity);
      const files = `rows of ${child} record files of root ${JSON.stringify(name)}`;
      const column = scope.entities.column(entity, path);
      if (reached.has(label)) {
        scope.mistake(
          `${files} and go by cascade, where nobody asks for their paths`,
          `Expire ${child} in an earlier pass with these files, or name it as a soft child`,
        );
      } else if (
        pointers.some(
          ({ holder, copy }) => holder.label === label && copy.every(({ to }) => to.name !== column),
        )
      ) {
        scope.mistake(
          `${files} and go where they point at nothing, and nobody asks for their paths then`,
          `Name ${path} in copy where it is a path of the target, or leave ${child} out of repoint`,
        );
      }
    }
  }
}

/** One part: files are dealt with several at a time, and not in ranges. */
export const FILES_PLAN: PassPlan = {
  strategy: 'files',
  shards: [{ strategy: 'files' }],
  estimate: 0,
  tableRows: 0,
};
