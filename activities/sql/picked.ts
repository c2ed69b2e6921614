import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

/** Rows that a walk chose and locked, in the order of the walk. */
export interface Picked {
  /** Physical places; they hold until the transaction ends, since nobody else can move a locked row. */
  readonly places: readonly string[];
  /** Their keys as text, in the same order; null where no key was asked for. */
  readonly keys: readonly (string | null)[];
  /** How many rows qualified, with those that somebody else holds. */
  readonly candidates: number;
  /** The place of the last row that qualified; null where none did. */
  readonly last: string | null;
}

/** Checks the shape of a row that a walk's statement answered. */
export function readPicked(row: unknown): Picked {
  const { places, keys, candidates, last } = row as Picked;
  if (!Array.isArray(places) || !Array.isArray(keys) || places.length !== keys.length) {
    throw new Error('a walk answered rows without their keys');
  }
  return { places, keys, candidates, last };
}

/**
 * The select list that {@link readPicked} reads, over `locked as l` with columns `place` and `key`, and `candidate`.
 * All lists have one and the same order. `order by place` in a list of places would mean the text that is listed.
 *
 * A row that another session moved between being chosen and being locked is to be left out: its new place is not of
 * this walk.
 */
export function pickedOf(order: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
      coalesce(array_agg(l.place::text order by ${order}), '{}') as places,
      coalesce(array_agg(l.key order by ${order}), '{}') as keys,
      (select count(*)::int from candidate) as candidates,
      (select max(place)::text from candidate) as last`;
}
