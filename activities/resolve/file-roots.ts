import type { FileRoot, RecordedPath } from '../../policy/file-root.ts';
import { readJsonPath, readPattern } from '../../policy/file-root.ts';
import type { AnyEntity } from '../../policy/pass.ts';
import type { CatalogTable } from '../dialect/catalog.ts';
import { isText, isTextList } from '../dialect/column-types.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { StoredRoot } from '../stored/pass.ts';
import type {
  CascadeStep,
  PathColumn,
  RecordedPaths,
  StoredPointer,
  StoredPath,
} from '../stored/row-tree.ts';
import type { PassPlan } from '../stored/scan.ts';
import type { Scope } from './scope.ts';

/** A root with its columns looked up; undefined if one is missing. */
export function resolveRoot({ name, recordedBy }: FileRoot, scope: Scope): StoredRoot | undefined {
  const columns = recordedBy.map((recorded): PathColumn | undefined => {
    const table = scope.table(recorded.entity, ['select']);
    const paths = resolveRecorded(name, recorded, table, scope);
    return table === undefined || paths === undefined ? undefined : { table: toTableName(table), ...paths };
  });
  return columns.every((column) => column !== undefined) ? { name, recordedBy: columns } : undefined;
}

/** What an entity records of files of some roots. */
export function resolvePaths(
  roots: readonly FileRoot[],
  entity: AnyEntity,
  table: CatalogTable | undefined,
  scope: Scope,
): StoredPath[] {
  return roots.flatMap((root) =>
    root.recordedBy
      .filter((recorded) => recorded.entity === entity)
      .flatMap((recorded) => {
        const paths = resolveRecorded(root.name, recorded, table, scope);
        return paths === undefined ? [] : [{ root: root.name, ...paths }];
      }),
  );
}

/** The columns of recorded paths; undefined, and reported, if they cannot have paths. */
function resolveRecorded(
  root: string,
  recorded: RecordedPath,
  table: CatalogTable | undefined,
  scope: Scope,
): RecordedPaths | undefined {
  const { entity, path, json } = recorded;
  const option = `recordedBy of root ${JSON.stringify(root)}`;
  const pattern = readPattern(path);
  if (pattern !== undefined) return resolvePattern(option, recorded, pattern, table, scope);
  const column = scope.column(entity, table, path, option);
  if (column === undefined || table === undefined) return undefined;
  const named = `${option} names ${scope.entities.name(entity)}.${path}`;
  if (json !== undefined) {
    if (table.columns.get(column.name)?.mayBeJson === true) return { column, json: readJsonPath(json) };
    return scope.addIssue(
      `${named}, which is no JSON in this database`,
      'Leave json out if the property has a path',
      `its type is ${column.type}`,
    );
  }
  if (isText(column.type) || isTextList(column.type)) return { column };
  const isJson = table.columns.get(column.name)?.mayBeJson === true;
  return scope.addIssue(
    `${named}, which is no text in this database`,
    isJson
      ? "Say where the paths stand in its JSON, as json: '$[*]'"
      : 'Name a property with the path of a file',
    `its type is ${column.type}`,
  );
}

/** Columns whose values have one text in all sessions. */
function resolvePattern(
  option: string,
  { entity, path, json }: RecordedPath,
  pattern: NonNullable<ReturnType<typeof readPattern>>,
  table: CatalogTable | undefined,
  scope: Scope,
): RecordedPaths | undefined {
  const parts = pattern.map((part) =>
    'text' in part ? part.text : scope.column(entity, table, part.property, option),
  );
  if (!parts.every((part) => part !== undefined)) return undefined;
  const columns = parts.filter((part) => typeof part !== 'string');
  const [column] = columns;
  const odd = columns.find(({ type }) => !isText(type) && !/^(smallint|integer|bigint|uuid)$/.test(type));
  const isBroken =
    column === undefined ||
    json !== undefined ||
    parts.some((part) => typeof part === 'string' && /[{}]/.test(part));
  if (column !== undefined && odd === undefined && !isBroken) return { column, parts };
  return scope.addIssue(
    `${option} has the pattern ${JSON.stringify(path)}, of which a path cannot be made`,
    'Name properties in braces that are texts, whole numbers or UUIDs, and leave json out',
    odd === undefined ? undefined : `column ${odd.name} is ${odd.type}`,
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
          `Name ${path} in copy if it is a path of the target, or leave ${child} out of repoint`,
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
