import { MikroORM } from '@mikro-orm/core';
import { SqliteDriver } from '@mikro-orm/sql';

import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { BoundValue } from '../../stored/columns.ts';
import type { EntityReader } from '../entity-reader.ts';
import { MikroEntities, storeCommonValue } from '../mikro-entities.ts';

/** Reads entities by MikroORM's metadata for SQLite. */
export function readEntities(entities: readonly AnyEntity[]): EntityReader {
  const orm = new MikroORM({
    driver: SqliteDriver,
    dbName: 'metadata-only',
    entities: [...new Set(entities)],
    discovery: { warnWhenNoEntities: false },
  });
  return new MikroEntities(orm as never, quote, storeValue, refuseOperators);
}

function quote(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``;
}

/** A value as JSON can store it and SQLite compares it. */
function storeValue(value: unknown): BoundValue {
  if (value instanceof Date) {
    throw new Error(
      'a date in a filter is not supported on SQLite, where columns store dates in several forms',
    );
  }
  if (typeof value === 'boolean') return value ? 1 : 0;
  return storeCommonValue(value);
}

/** Operators of which SQLite has none, or one that means something else. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/ ilike \?/, '$ilike'],
  [/ (?:@>|<@|&&|\?\||\?&) \?/, '$contains and $overlap'],
  [/ regexp \?/, '$re'],
];

/** LIKE of SQLite ignores case: it becomes GLOB, which does not. */
function refuseOperators(
  text: string,
  values: readonly BoundValue[],
): { readonly text: string; readonly values: readonly BoundValue[] } {
  for (const [pattern, name] of UNSUPPORTED) {
    if (pattern.test(text)) throw new Error(`${name} in a filter is not supported on SQLite`);
  }
  if (!/ like /i.test(text)) return { text, values };
  const own = [...values];
  let mark = -1;
  const globbed = text.replace(/'(?:[^']|'')*'|`(?:[^`]|``)*`| like \?|\?/g, (token) => {
    if (token === '?') mark += 1;
    if (token !== ' like ?') return token;
    mark += 1;
    own[mark] = toGlob(String(own[mark]));
    return ' glob ?';
  });
  if (/ like /i.test(globbed))
    throw new Error('raw LIKE in a filter is not supported on SQLite, where it ignores case');
  return { text: globbed, values: own };
}

/** A pattern of LIKE, in which a backslash takes the meaning of the next sign, as one of GLOB. */
function toGlob(pattern: string): string {
  return pattern.replace(/\\([\s\S])|[%_*?[]/g, (token, escaped: string | undefined) => {
    const plain = escaped ?? (token === '%' || token === '_' ? undefined : token);
    if (plain === undefined) return token === '%' ? '*' : '?';
    return /[*?[]/.test(plain) ? `[${plain}]` : plain;
  });
}
