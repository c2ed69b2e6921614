import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

/**
 * Over alias `t`: the row is at one of some places. The list is a select, whose length the planner does not see: for a
 * thousand places it would rather read a table of 100,000 rows than go to each.
 */
export function isAt(places: readonly string[]): RawBuilder<boolean> {
  return sql`t.ctid = any(array(select unnest(${places}::tid[])))`;
}
