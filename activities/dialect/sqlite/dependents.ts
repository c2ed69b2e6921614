import { sql } from 'kysely';

import { pathsToDependents } from '../cascade-paths.ts';
import type { SqliteRows } from './connection.ts';
import { tableAs } from './identifiers.ts';

/** What cascades from soft children is not counted. */
export const countDependents: SqliteRows['countDependents'] = async (connection, tree, locations, limit) => {
  const most = Math.min(limit, Number.MAX_SAFE_INTEGER);
  const counts = pathsToDependents(tree, tableAs).map(
    ({ from, where }) => sql` + (select count(*) from (select 1 from ${from} where ${where} limit ${most}))`,
  );
  const { rows } = await connection.run(sql<{ dependents: number }>`
    select 1${sql.join(counts, sql``)} as dependents
    from json_each(${JSON.stringify(locations)}) as w
    join ${tableAs(tree.table, 'p')} on p.rowid = cast(w.value as integer)
    order by w.key`);
  return rows.map((row) => row.dependents);
};
