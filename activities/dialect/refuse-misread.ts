import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { ReferenceKind } from '@mikro-orm/core';

/** A filter that MikroORM would read as another one. The message says how, in the words of the filter. */
export class MisreadFilterError extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

/**
 * Refuses two kinds of filters over a relation, of which MikroORM 7.2 compares another column than they name:
 * `{ order: { id: 1 } }` compares the column of the relation with 1, also if that names orders by a unique key of theirs;
 * `{ order: { $not: { id: 1 } } }` compares the key of the row itself.
 */
export function refuseMisread(metadata: EntityMetadata, filter: unknown, path = ''): void {
  for (const [key, value] of listConditions(filter)) {
    const at = path === '' ? key : `${path}.${key}`;
    const property = (metadata.properties as Record<string, EntityProperty | undefined>)[key];
    const target = property?.targetMeta;
    if (property === undefined || target === undefined) {
      // An operator: what is inside is about the same row.
      if (property === undefined) refuseMisread(metadata, value, at);
      continue;
    }
    const keys = target.primaryKeys as readonly string[];
    if (namesOtherKey(property, target)) {
      const [named] = listNames(value, keys);
      if (named !== undefined) {
        const column = property.referencedColumnNames.join(', ');
        throw new MisreadFilterError(
          `${at} names rows by ${column}, and MikroORM compares that with the value of ${at}.${named}`,
          `Use another property of ${target.className} than ${named}`,
        );
      }
    }
    const negated = listNegated(value).flatMap((inner) => listNames(inner, keys))[0];
    if (negated !== undefined) {
      throw new MisreadFilterError(
        `MikroORM reads $not inside of ${at} as about ${negated} of the row itself`,
        `Put $not around it: { $not: { ${key}: { ${negated}: ... } } }`,
      );
    }
    refuseMisread(target, value, at);
  }
}

/** Whether a relation names a row by other columns than its primary key. */
function namesOtherKey(
  { kind, owner, referencedColumnNames }: EntityProperty,
  target: EntityMetadata,
): boolean {
  if (kind !== ReferenceKind.MANY_TO_ONE && !(kind === ReferenceKind.ONE_TO_ONE && owner)) return false;
  const columns = new Set(target.getPrimaryProps().flatMap(({ fieldNames }) => fieldNames));
  return referencedColumnNames.some((name) => !columns.has(name));
}

/** The names of some that conditions on one row compare, through operators. */
function listNames(filter: unknown, names: readonly string[]): string[] {
  return listConditions(filter).flatMap(([key, value]) => {
    if (names.includes(key)) return [key];
    return key.startsWith('$') ? listNames(value, names) : [];
  });
}

/** What stands below `$not` in conditions on one row. */
function listNegated(filter: unknown): unknown[] {
  return listConditions(filter).flatMap(([key, value]) => {
    if (key === '$not') return [value];
    return key.startsWith('$') ? listNegated(value) : [];
  });
}

/** The entries of a filter, or of those in a list. Raw SQL, a value and a date have none. */
function listConditions(filter: unknown): [string, unknown][] {
  if (Array.isArray(filter)) return filter.flatMap(listConditions);
  if (typeof filter !== 'object' || filter === null) return [];
  return Object.getPrototypeOf(filter) === Object.prototype ? Object.entries(filter) : [];
}
