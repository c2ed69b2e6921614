import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { PartialIndex } from '../stored/columns.ts';

/** The row is in a partial index, in a select from its table alone. The predicate is that of the catalog: it has no alias. */
export function isIn(index: PartialIndex | undefined): RawBuilder<boolean> {
  return index === undefined ? sql`true` : sql`(${sql.raw(index.predicate)})`;
}
