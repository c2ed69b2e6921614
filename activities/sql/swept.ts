import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName } from './names.ts';
import { columnOf } from './names.ts';
import type { Span } from './span.ts';
import { spanOfGone } from './span.ts';

/** What a statement that chooses and deletes took. */
export interface Swept {
  readonly rows: number;
  /** The keys of the rows as text; empty where none were asked for. */
  readonly keys: readonly string[];
  /** From when to when they are; null where nobody asks. */
  readonly span: Span | null;
}

/** The key of a row, alias `t`, as text; null where nobody asks. */
export function keyText(key: ColumnName | undefined): RawBuilder<string | null> {
  return key === undefined ? sql`null::text` : sql`${columnOf('t', key)}::text`;
}

/** `rows`, `keys` and `span` from `gone`, a part of the statement that answers columns `key` and, where asked for, `age`. */
export function sweptOf(
  key: ColumnName | undefined,
  aged: RawBuilder<unknown> | undefined,
): RawBuilder<unknown> {
  const keys = key === undefined ? sql`'{}'::text[]` : sql`array(select key from gone where key is not null)`;
  return sql`(select count(*)::int from gone) as rows, ${keys} as keys, ${spanOfGone(aged)}`;
}
