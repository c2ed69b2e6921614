import { sql } from 'kysely';

import type { WatchedLink } from '../../stored/row-tree.ts';
import { references } from '../join-path.ts';
import { RowGraphSql } from '../row-graph.ts';
import type { SqliteRows } from './connection.ts';
import { deletedSql } from './delete-graph.ts';
import { tableAs } from './identifiers.ts';

/** A row keeps its rowid: the rows that reference are listed, and with what they do. */
export const readReferenced: SqliteRows['readReferenced'] = async (
  connection,
  tree,
  links,
  locations,
  where,
) => {
  if (links.length === 0) return [];
  const graph = new RowGraphSql(tree);
  const selects = links.map(({ parent, child, ...link }, n) => {
    const values = link.on.map((pair) => sql`quote(${sql.id('c', pair.child)})`);
    return sql`(
      select json_group_array(json_array(${sql.join([sql`c.rowid`, ...values])}))
      from deleted as g, ${tableAs(parent, 'p')} join ${tableAs(child, 'c')} on ${references('c', 'p', link)}
      where g.number = ${graph.number(parent)} and p.rowid = g.location
    ) as ${sql.id(`keys_${n}`)}`;
  });
  const { rows } = await connection.run(sql<Record<string, string>>`
    with recursive ${deletedSql(tree, graph, locations, where)}
    select ${sql.join(selects)}`);
  return links.flatMap((link, n) => {
    const keys = rows[0]?.[`keys_${n}`] ?? '[]';
    return keys === '[]' ? [] : [{ link, keys, types: [] }];
  });
};

export const findLeft: SqliteRows['findLeft'] = async (connection, referenced) => {
  const left: WatchedLink[] = [];
  for (const { link, keys } of referenced) {
    const same = link.on.map(
      ({ child }, n) => sql`quote(${sql.id('c', child)}) = json_extract(e.value, ${`$[${n + 1}]`})`,
    );
    const { rows } = await connection.run(sql`
      select 1
      from json_each(${keys}) as e cross join ${tableAs(link.child, 'c')}
      where c.rowid = json_extract(e.value, '$[0]') and ${sql.join(same, sql` and `)}
      limit 1`);
    if (rows.length > 0) left.push(link);
  }
  return left;
};
