import type { DeleteUnreferenced, SoftReference } from '../../policy/delete-unreferenced.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { ForeignKey } from '../sql/foreign-keys.ts';
import type { FrozenReference } from '../sql/references.ts';
import { pairs } from './cascades.ts';
import type { Scope } from './scope.ts';
import { nameOf } from './scope.ts';
import { hasIndexOn } from './strategy.ts';

/** Everything that can name rows of a table, and the foreign keys that do not count. */
export interface FoundReferences {
  readonly references: readonly FrozenReference[];
  readonly ignored: readonly ForeignKey[];
}

/** Looks up what points at the rows of a pass; undefined where something is missing. */
export function freezeReferences(
  pass: DeleteUnreferenced,
  table: CatalogTable | undefined,
  scope: Scope,
): FoundReferences | undefined {
  const soft = pass.references.map((reference) => freezeSoft(reference, pass, table, scope));
  const ignored = pass.ignore.map((entity) => ({ entity, table: scope.table(entity, ['select']) }));
  if (table === undefined) return undefined;
  const keys = scope.catalog.referencesTo(table);
  const ignoredKeys = keys.filter(({ child }) => ignored.some((other) => other.table?.oid === child));
  for (const { entity, table: other } of ignored) {
    if (other !== undefined) checkIgnored(scope.entities.name(entity), other, keys, scope);
  }
  if (!soft.every((reference) => reference !== undefined)) return undefined;
  const counting = keys.filter((key) => !ignoredKeys.includes(key));
  const hard = counting.map((key): FrozenReference => {
    const child = scope.catalog.get(key.child);
    scope.mayRead(child, 'rows that point at it');
    return { table: nameOf(child), on: pairs(key), indexed: isIndexed(child, key.childColumns) };
  });
  const references = [...hard, ...soft];
  const name = scope.entities.name(pass.entity);
  if (references.length === 0) {
    return scope.mistake(
      `nothing points at ${name}: no foreign key that counts and no references, so that every row past the grace would go`,
      'Name in references what points at its rows, or use expireRows where all old rows are meant',
    );
  }
  if (references.some((reference) => reference.table.label === table.label)) {
    return scope.mistake(
      `entity ${name} points at itself: each row that goes would leave others that nothing points at`,
      'Use expireRows with nestedBy, or name the entity in ignore where the database may cascade',
    );
  }
  return { references, ignored: ignoredKeys };
}

function freezeSoft(
  { entity, by }: SoftReference,
  pass: DeleteUnreferenced,
  table: CatalogTable | undefined,
  scope: Scope,
): FrozenReference | undefined {
  const child = scope.table(entity, ['select']);
  const column = scope.column(entity, child, by, 'by');
  const key = scope.key(pass.entity, table);
  if (child === undefined || column === undefined || key === undefined) return undefined;
  scope.comparable(entity, by, column, key);
  return {
    table: nameOf(child),
    on: [{ child: column.name, parent: key.name }],
    indexed: isIndexed(child, [column.name]),
  };
}

function checkIgnored(name: string, other: CatalogTable, keys: readonly ForeignKey[], scope: Scope): void {
  const own = keys.filter(({ child }) => child === other.oid);
  if (own.length === 0) {
    scope.mistake(`ignore names ${name}, which has no foreign key to it`, 'Leave it out, it does not count');
  }
  if (own.some(({ onDelete }) => onDelete === 'no action' || onDelete === 'restrict')) {
    scope.mistake(
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
