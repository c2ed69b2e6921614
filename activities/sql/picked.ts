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
