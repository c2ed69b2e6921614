import type { FileRoot } from '../../policy/file-root.ts';
import type { AnyEntity } from '../../policy/pass.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import { isText } from '../dialect/column-types.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { StoredRoot } from '../stored/pass.ts';
import type { CascadeStep, PathColumn, StoredPointer, StoredPath } from '../stored/row-tree.ts';
import type { PassPlan } from '../stored/scan.ts';
import type { Scope } from './scope.ts';

/** A root with its columns looked up; undefined if one is missing. */
export function resolveRoot({ name, recordedBy }: FileRoot, scope: Scope): StoredRoot | undefined {
  const columns = recordedBy.map(({ entity, path }): PathColumn | undefined => {
    const table = scope.table(entity, ['select']);
    const column = scope.column(entity, table, path, `recordedBy of root ${JSON.stringify(name)}`);
    if (table === undefined || column === undefined) return undefined;
    if (isText(column.type)) return { table: toTableName(table), column };
    return scope.addIssue(
      `recordedBy of root ${JSON.stringify(name)} names ${scope.entities.name(entity)}.${path}, which is no text in this database`,
      'Name a property with the path of a file',
      `its type is ${column.type}`,
    );
  });
  return columns.every((column) => column !== undefined) ? { name, recordedBy: columns } : undefined;
}

/** The columns of an entity that record files of some roots. */
export function resolvePaths(
  roots: readonly FileRoot[],
  entity: AnyEntity,
  table: CatalogTable | undefined,
  scope: Scope,
): StoredPath[] {
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
 * The paths of a row that is deleted by cascade, or as a pointer that points at nothing, are not recorded: its files would
 * stay. A pointer that copies the path from what it points at has no file of its own.
 */
export function refuseUnrecordedPaths(
  roots: readonly FileRoot[],
  cascades: readonly CascadeStep[],
  pointers: readonly StoredPointer[],
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
        scope.addIssue(
          `${files} and go by cascade, where nobody asks for their paths`,
          `Expire ${child} in an earlier pass with these files, or name it as a soft child`,
        );
      } else if (
        pointers.some(
          ({ holder, copy }) => holder.label === label && copy.every(({ to }) => to.name !== column),
        )
      ) {
        scope.addIssue(
          `${files} and go where they point at nothing, and nobody asks for their paths then`,
          `Name ${path} in copy where it is a path of the target, or leave ${child} out of repoint`,
        );
      }
    }
  }
}

/** One shard: files are removed several at a time, and not in ranges. */
export const FILES_PLAN: PassPlan = {
  scan: 'files',
  shards: [{ scan: 'files' }],
  estimate: 0,
  tableRows: 0,
};
