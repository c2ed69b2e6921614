import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Predicate, PartialIndex } from '../stored/columns.ts';

/** The condition that is always true. */
export const ALWAYS: Predicate = { text: 'true', values: [], selects: false };

/**
 * The condition for use inside a statement, with its values bound. `??` quotes its value as an identifier and `\?` is a
 * plain question mark, as in MikroORM. `alias` takes the place of `t`, which only a condition without SQL of a person's own, and
 * without a select, allows.
 *
 * Throws if marks and values do not match in number, rather than shift a value into the wrong place.
 */
export function bindPredicate(
  { text, values }: Pick<Predicate, 'text' | 'values'>,
  alias = 't',
): RawBuilder<boolean> {
  const rest = [...values];
  let bound = sql``;
  let plain = '';
  for (const [token] of text.matchAll(
    /["`]t["`](?=\.)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\\\?|\?\??|[^?'"`\\]+|[\s\S]/g,
  )) {
    if (token === '\\?') plain += '?';
    else if (alias !== 't' && /^["`]t["`]$/.test(token)) plain += token.replace('t', alias);
    else if (token !== '?' && token !== '??') plain += token;
    else {
      if (rest.length === 0) throw new Error('a condition has more marks than values');
      const value = rest.shift() ?? null;
      bound = sql`${bound}${sql.raw(plain)}${token === '?' ? value : sql.id(String(value))}`;
      plain = '';
    }
  }
  if (rest.length > 0) throw new Error('a condition has more values than marks');
  return sql`(${bound}${sql.raw(plain)})`;
}

/** The row is in a partial index, in a select from its table alone. The predicate is that of the catalog: it has no alias. */
export function isIn(index: PartialIndex | undefined): RawBuilder<boolean> {
  return index === undefined ? sql`true` : sql`(${sql.raw(index.predicate)})`;
}
