import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from './names.ts';
import { tableOf } from './names.ts';

/** Rows that a walk chose and locked, in the order of the walk. */
export interface Picked {
  /** Physical places; they hold until the transaction ends, since nobody else can move a locked row. */
  readonly places: readonly string[];
  /** Their keys as text, in the same order; null where no key was asked for. */
  readonly keys: readonly (string | null)[];
  /** The number of each among the rows that qualified, from 1: what is left out between two is held by others. */
  readonly ranks: readonly number[];
  /** How many rows qualified, with those that somebody else holds. */
  readonly candidates: number;
  /** The place of the last row that qualified; null where none did. */
  readonly last: string | null;
}

/** Checks the shape of a row that a walk's statement answered. */
export function readPicked(row: unknown): Picked {
  const { places, keys, ranks, candidates, last } = row as Picked;
  if (places.length !== keys.length || places.length !== ranks.length) {
    throw new Error('a walk answered rows without their keys');
  }
  return { places, keys, ranks, candidates, last };
}

/**
 * Locks the rows of `candidate` (`place`, and `nth` from 1) that nobody else has locked, and answers what
 * {@link readPicked} reads; for the end of a statement. `where` is evaluated again for what was locked, over alias `t`.
 *
 * All lists have one and the same order. `order by place` in a list of places would mean the text that is listed. A
 * row that another session moved between being chosen and being locked is left out: its new place is not of this walk.
 */
export function lockCandidates(
  table: TableName,
  key: RawBuilder<string | null>,
  where: RawBuilder<boolean>,
): RawBuilder<unknown> {
  return sql`
    locked as materialized (
      select t.ctid as place, ${key} as key
      from ${tableOf(table)} as t
      where t.ctid = any(array(select place from candidate)) and ${where}
      for update of t skip locked
    )
    select
      coalesce(array_agg(l.place::text order by l.place), '{}') as places,
      coalesce(array_agg(l.key order by l.place), '{}') as keys,
      coalesce(array_agg(c.nth::int order by l.place), '{}') as ranks,
      (select count(*)::int from candidate) as candidates,
      (select max(place)::text from candidate) as last
    from locked as l
    join candidate as c on c.place = l.place`;
}
