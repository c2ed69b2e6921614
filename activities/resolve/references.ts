import type { DeleteUnreferenced, SoftReference } from '../../policy/delete-unreferenced.ts';
import type { CatalogTable, ForeignKey } from '../dialect/catalog.ts';
import { linkToParent } from '../dialect/join-path.ts';
import { toTableName } from '../dialect/table-names.ts';
import type { StoredReference } from '../stored/row-tree.ts';
import { cascadesFrom, forbidsDelete, pairColumns } from './cascades.ts';
import { resolveCompositePairs } from './composite-reference.ts';
import { resolveReference } from './reference.ts';
import { hasIndexOn } from './scan-choice.ts';
import type { Scope } from './scope.ts';

/** Everything that can reference rows of a table, and the foreign keys that do not count. */
interface References {
  readonly references: readonly StoredReference[];
  readonly ignored: readonly ForeignKey[];
}

/** Looks up what references the rows of a pass; undefined if something is missing. */
export function resolveReferences(
  pass: DeleteUnreferenced,
  table: CatalogTable | undefined,
  scope: Scope,
): References | undefined {
  const soft = pass.references.map((reference) => resolveSoftReference(reference, pass, table, scope));
  const ignored = pass.ignore.map((entity) => ({ entity, table: scope.table(entity, ['select']) }));
  if (table === undefined) return undefined;
  const keys = scope.catalog.referencesTo(table);
  const ignoredKeys = keys.filter(({ child }) => ignored.some((other) => other.table?.id === child));
  for (const { entity, table: other } of ignored) {
    if (other !== undefined) checkIgnored(scope.entities.name(entity), other, keys, scope);
  }
  if (!soft.every((reference) => reference !== undefined)) return undefined;
  const counting = keys.filter((key) => !ignoredKeys.includes(key));
  const hard = counting.map((key): StoredReference => {
    const child = scope.catalog.get(key.child);
    scope.mayRead(child, 'rows that point at it');
    return { table: toTableName(child), on: pairColumns(key), indexed: isIndexed(child, key.childColumns) };
  });
  const references = [...hard, ...soft];
  const name = scope.entities.name(pass.entity);
  if (references.length === 0) {
    return scope.addIssue(
      `nothing points at ${name}: no foreign key that counts and no references, so that every row past the grace would go`,
      'Name in references what points at its rows, or use expireRows where all old rows are meant',
    );
  }
  if (references.some((reference) => reference.table.label === table.label)) {
    return scope.addIssue(
      `entity ${name} points at itself: each row that goes would leave others that nothing points at`,
      'Use expireRows with nestedBy, or name the entity in ignore if the database may cascade',
    );
  }
  const along = cascadesFrom(scope.catalog, table, (key) => ignoredKeys.includes(key));
  const both = along.find((step) =>
    references.some((reference) => reference.table.label === step.table.label),
  );
  if (both !== undefined) {
    return scope.addIssue(
      `rows of ${both.table.label} are deleted along with rows of ${name} and also reference others of it: each row that goes would leave others that nothing points at`,
      'Leave the entity out of ignore, or name no other reference of it',
    );
  }
  return { references, ignored: ignoredKeys };
}

function resolveSoftReference(
  { entity, by, where: filter, as }: SoftReference,
  pass: DeleteUnreferenced,
  table: CatalogTable | undefined,
  scope: Scope,
): StoredReference | undefined {
  const child = scope.readTable(entity);
  const relation = scope.entities.compositeRelation(entity, by);
  if (relation !== undefined) {
    const on = resolveCompositePairs({ entity, table: child, relation, as }, pass.entity, table, scope);
    const which = scope.whichRows(entity, filter);
    if (child === undefined || on === undefined) return undefined;
    const columns = on.map((pair) => pair.child);
    return {
      table: toTableName(child),
      on,
      ...(which === undefined ? {} : { where: which }),
      indexed: isIndexed(child, columns),
    };
  }
  const reference = resolveReference(
    { entity, table: child, property: by, option: 'by', as },
    { entity: pass.entity, table },
    scope,
  );
  const where = scope.whichRows(entity, filter);
  if (child === undefined || reference === undefined) return undefined;
  return {
    table: toTableName(child),
    ...linkToParent({
      by: reference.by,
      parentKey: reference.key,
      ...(where === undefined ? {} : { where }),
      ...(as === undefined ? {} : { as }),
    }),
    indexed: isIndexed(child, [reference.by.name]),
  };
}

function checkIgnored(name: string, other: CatalogTable, keys: readonly ForeignKey[], scope: Scope): void {
  const own = keys.filter(({ child }) => child === other.id);
  if (own.length === 0) {
    scope.addIssue(`ignore names ${name}, which has no foreign key to it`, 'Leave it out, it does not count');
  }
  if (own.some(forbidsDelete)) {
    scope.addIssue(
      `ignore names ${name}, whose foreign key forbids to delete what it points at`,
      'Leave it out, or give the foreign key on delete cascade or set null',
      own.map((key) => key.name).join(', '),
    );
  }
}

function isIndexed(table: CatalogTable, columns: readonly string[]): boolean {
  return columns.some((name) => {
    const column = table.columns.get(name);
    return column !== undefined && hasIndexOn(table, column);
  });
}
