import { sql } from 'kysely';

import { references } from '../join-path.ts';
import { RowGraphSql } from '../row-graph.ts';
import type { ReferencedRows } from '../rows.ts';
import type { PostgresRows } from './connection.ts';
import { deletedSql } from './delete-graph.ts';
import { baseType, tableRef } from './identifiers.ts';

export const readReferenced: PostgresRows['readReferenced'] = async (
  { db },
  tree,
  links,
  locations,
  where,
) => {
  if (links.length === 0) return [];
  const graph = new RowGraphSql(tree);
  const selects = links.map(({ parent, on }) => {
    const columns = on.map((pair) => sql.id('p', pair.parent));
    const values = columns.map((column) => sql`${column}::text`);
    const types = columns.map((column) => sql`min(pg_typeof(${column})::text)`);
    return sql`(
      select json_build_object(
        'keys', coalesce(jsonb_agg(jsonb_build_array(${sql.join(values)})), '[]')::text,
        'types', array[${sql.join(types)}])
      from deleted as g
      join ${tableRef(parent)} as p on p.ctid = g.location
      where g.number = ${graph.number(parent)}
    )`;
  });
  const { rows } = await sql<{ found: Omit<ReferencedRows, 'link'>[] }>`
    with recursive ${deletedSql(tree, graph, locations, where)}
    select json_build_array(${sql.join(selects)}) as found`.execute(db);
  const found = rows[0]?.found ?? [];
  return links.flatMap((link, n) => {
    const read = found[n];
    return read === undefined || read.keys === '[]' ? [] : [{ ...read, link }];
  });
};

export const findLeft: PostgresRows['findLeft'] = async ({ db }, referenced) => {
  if (referenced.length === 0) return [];
  const tests = referenced.map(({ link, keys, types }) => {
    const columns = link.on.map(
      ({ parent }, n) =>
        sql`(e.value ->> ${sql.lit(n)})::${baseType(types[n] ?? 'text')} as ${sql.id(parent)}`,
    );
    return sql`exists (
      select
      from (select ${sql.join(columns)} from jsonb_array_elements(${keys}::jsonb) as e(value)) as p
      join ${tableRef(link.child)} as c on ${references('c', 'p', link)}
    )`;
  });
  const { rows } = await sql<{ left: boolean[] }>`select array[${sql.join(tests)}] as left`.execute(db);
  return referenced.flatMap(({ link }, n) => (rows[0]?.left[n] === true ? [link] : []));
};
