import { sql } from 'kysely';

import { pathsToDependents } from '../cascade-paths.ts';
import type { PostgresRows } from './connection.ts';
import { tableAs, tableRef } from './identifiers.ts';

/**
 * How many rows are deleted with each of some rows, itself included, in the order of the locations. Counts up to `limit`
 * along each path, which is all that a caller needs to know that a row is too large for one transaction. What cascades
 * from soft children is not counted.
 */
export const countDependents: PostgresRows['countDependents'] = async (
  connection,
  tree,
  locations,
  limit,
) => {
  const counts = pathsToDependents(tree, tableAs).map(
    ({ from, where }) =>
      sql` + (select count(*) from (select from ${from} where ${where} limit ${limit}) as counted)`,
  );
  const { rows } = await sql<{ dependents: number }>`
    select (1${sql.join(counts, sql``)})::float8 as dependents
    from unnest(${locations}::tid[]) with ordinality as w(location, n)
    -- One look-up a location; a join would be free to read the whole table.
    cross join lateral (select p.* from ${tableRef(tree.table)} as p where p.ctid = w.location limit 1) as p
    order by w.n`.execute(connection.db);
  return rows.map((row) => row.dependents);
};
