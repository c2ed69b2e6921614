import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

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
 * The select list that {@link readPicked} reads, over `locked as l` joined with `candidate as c` on the place.
 * All lists have one and the same order. `order by place` in a list of places would mean the text that is listed.
 *
 * A row that another session moved between being chosen and being locked is to be left out: its new place is not of
 * this walk.
 */
export function pickedOf(order: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
      coalesce(array_agg(l.place::text order by ${order}), '{}') as places,
      coalesce(array_agg(l.key order by ${order}), '{}') as keys,
      coalesce(array_agg(c.nth::int order by ${order}), '{}') as ranks,
      (select count(*)::int from candidate) as candidates,
      (select max(place)::text from candidate) as last`;
}
