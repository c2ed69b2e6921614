import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ReclaimMode } from '../../policy/reclaim-space.ts';
import type { TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import type { TableSize } from '../sql/sizes.ts';

/** What there is to know of a way to give space back. */
export interface Mode {
  /** The statement. It runs outside of any transaction. */
  statement(table: TableName): RawBuilder<unknown>;
  /** Free disk that it needs meanwhile, in bytes. */
  needs(size: TableSize): number;
  /** Whether a table that the run deleted nothing from is worth it, unless a policy names it. */
  worthIt(size: TableSize): boolean;
}

/** Prefect's guide, too, begins to watch a table at this part of dead rows. */
const DEAD_PART = 0.2;
/** A table with fewer dead rows is small. */
const LEAST_DEAD = 1000;

/** The ways to give space back: another one is an entry here. */
export const MODES: { readonly [M in ReclaimMode]: Mode } = {
  vacuum: {
    statement: (table) => sql`vacuum (analyze) ${tableOf(table)}`,
    needs: () => 0,
    worthIt: ({ live, dead }) => dead >= LEAST_DEAD && dead > DEAD_PART * live,
  },
  full: {
    statement: (table) => sql`vacuum (full, analyze) ${tableOf(table)}`,
    // The new table and indexes stand beside the old; building an index sorts as much again.
    needs: ({ heap, toast, indexes }) => heap + toast + 2 * indexes,
    worthIt: () => false,
  },
};
