import { sayValue } from './limits.ts';
import type { Mistake } from './mistake.ts';

/** The `where` of a pass that has none. */
export const NO_FILTER: object = Object.freeze({});

/** The `where` of some options. One that is there and undefined is kept, for {@link checkFilter} to refuse. */
export function filterOf(options: { readonly where?: unknown }): object {
  return 'where' in options ? (options.where as object) : NO_FILTER;
}

/** Filters that somebody built and that came to nothing: they would be about every row. */
export function checkFilter(at: string, option: string, filter: unknown): Mistake[] {
  if (filter === NO_FILTER) return [];
  const fix = 'Say which rows are meant, or leave it out';
  if (typeof filter !== 'object' || filter === null) {
    return [{ at, what: `its ${option} is ${sayValue(filter)}, which is no filter`, fix }];
  }
  if (Reflect.ownKeys(filter).length > 0) return [];
  return [{ at, what: `its ${option} has no condition, so that it would be about every row`, fix }];
}
