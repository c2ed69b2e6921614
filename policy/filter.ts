import { z } from 'zod';

import { formatValue, withFix } from './zod-issues.ts';

/** The `where` of a pass that has none. */
const NO_FILTER: object = Object.freeze({});

/** Returns the `where` of some options. One that is there and undefined is kept, for {@link FilterSchema} to refuse. */
export function getFilter(options: { readonly where?: unknown }): object {
  return 'where' in options ? (options.where as object) : NO_FILTER;
}

const FIX = 'Say which rows are meant, or leave it out';

/** A filter. One that somebody built and that has no condition would be about every row. */
export const FilterSchema = withFix(
  z.custom<object>((filter) => typeof filter === 'object' && filter !== null),
  FIX,
  (option, filter) => `its ${option} is ${formatValue(filter)}, which is no filter`,
).pipe(
  withFix(
    z.custom<object>((filter) => filter === NO_FILTER || Reflect.ownKeys(filter as object).length > 0),
    FIX,
    (option) => `its ${option} has no condition, so that it would be about every row`,
  ),
);
