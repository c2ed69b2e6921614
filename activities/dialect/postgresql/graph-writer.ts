import { sql } from 'kysely';

import type { RowTree } from '../../stored/pass.ts';
import type { GraphWriter } from '../row-graph.ts';
import { RowGraphSql } from '../row-graph.ts';
import { onlyRef } from './identifiers.ts';
import { references } from './references.ts';

const WRITER: GraphWriter = {
  tableAs: (table, alias) => sql`${onlyRef(table)} as ${sql.id(alias)}`,
  location: (alias) => sql.id(alias, 'ctid'),
  references,
  isAmong: (alias, select) => sql`${sql.id(alias, 'ctid')} = any(array(${select}))`,
  follow: (self, start, ways) => {
    if (ways.length === 0) return start;
    const selects = ways.map(
      ({ number, location, from, where }) =>
        sql`select ${number} as number, ${location} as location ${from === undefined ? sql`` : sql`from ${from}`} where ${where}`,
    );
    return sql`
      select s.number, s.location from (${start}) as s
      union
      select w.number, w.location
      from ${self} as g
      cross join lateral (${sql.join(selects, sql` union all `)}) as w`;
  },
};

/** The graph of a tree, for statements of PostgreSQL. */
export function writeGraph(tree: RowTree): RowGraphSql {
  return new RowGraphSql(tree, WRITER);
}
