import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName } from '../../stored/columns.ts';
import type { RowLink } from '../../stored/row-tree.ts';
import type { HoldSql } from '../held-dependents.ts';
import { references } from '../join-path.ts';
import { RowGraphSql } from '../row-graph.ts';
import type { HeldRows } from '../view.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { asComparable, columnRef, hasStableText, tableAs, tableRef } from './identifiers.ts';

/** The holds in force, now or at a later instant, as a JSON array of {@link HeldRows}; for use inside a statement. */
export function selectHeldRows(connection: Connection, from?: string): RawBuilder<readonly HeldRows[]> {
  return sql`(
    select coalesce(
      jsonb_agg(jsonb_build_object(
        'schema', p.schema,
        'name', p.name,
        'of', jsonb_build_object('schema', h.schema, 'name', h.name),
        'key', case when h.key_column is not null then jsonb_build_object('name', h.key_column, 'type', h.key_type) end,
        'condition', h.condition)),
      '[]')
    from (
      select distinct h.schema, h.name, h.key_column, h.key_type, h.condition
      from ${ledgerTable(connection, 'hold')} as h
      where ${isInForce(from)}
    ) as h
    -- A cascade goes to each partition, where the rows are.
    cross join lateral (
      select h.schema, h.name
      union
      select n.nspname::text, c.relname::text
      from pg_class as named
      join pg_namespace as own on own.oid = named.relnamespace
      cross join lateral pg_partition_tree(named.oid) as tree
      join pg_class as c on c.oid = tree.relid
      join pg_namespace as n on n.oid = c.relnamespace
      where own.nspname = h.schema and named.relname = h.name and named.relkind = 'p'
    ) as p
  )`;
}

/** Whether a hold is in force now; for use inside a statement. */
export function isAnythingHeld(connection: Connection): RawBuilder<boolean> {
  return sql`exists (select from ${ledgerTable(connection, 'hold')} as h where ${isInForce(undefined)})`;
}

const isNamed: HoldSql<Connection>['isNamed'] = (connection, key, of, from) => {
  // A count, and not `exists`: the planner may look that up in a hash of all holds, made anew in each batch.
  return sql`(
    select count(*)
    from ${ledgerTable(connection, 'hold')} as h
    where ${hasKey(key, of)} and ${isInForce(from)}
  ) > 0`;
};

/** Over alias `t` of a table and `h` of the holds: the key of a hold on the table is the row's. */
function hasKey(key: ColumnName, of: HeldRows['of']): RawBuilder<boolean> {
  const mine = sql`h.schema = ${of.schema} and h.name = ${of.name}`;
  const text = sql`${columnRef('t', key)}::text`;
  if (hasStableText(key.type)) return sql`${mine} and h.key = ${text}`;
  // Holds on other tables may have keys that cannot be cast.
  const [held, own] = [asComparable(sql`h.key`, key.type), asComparable(text, key.type)];
  return sql`case when ${mine} then ${held} = ${own} else false end`;
}

function isInForce(from: string | undefined): RawBuilder<boolean> {
  return sql`(h.until is null or h.until > ${from === undefined ? sql`now()` : sql`${from}::timestamptz`})`;
}

const reachesHeldRow: HoldSql<Connection>['reachesHeldRow'] = (tree, rows, wanted) => {
  const graph = new RowGraphSql(tree);
  const follow = (
    { child, ...link }: Omit<RowLink, 'parent'>,
    parent: RawBuilder<unknown>,
  ): RawBuilder<unknown> => sql`
    select ${graph.number(child)} as number, c.ctid as location
    from ${parent} as p
    join ${tableAs(child, 'c')} on ${references('c', 'p', link)}`;
  const first = tree.cascades
    .filter(({ from }) => from === -1)
    .map(({ table: child, ...link }) => follow({ child, ...link }, sql`(${rows})`));
  const next = graph.links.map((link) => {
    const below = follow(link, tableRef(link.parent));
    return sql`${below} where g.number = ${graph.number(link.parent)} and p.ctid = g.location`;
  });
  const found = wanted.map(
    (reached) => sql`
      select from ${tableRef(reached.table)} as t
      where r.number = ${graph.number(reached.table)} and t.ctid = r.location and ${reached.held}`,
  );
  return sql<boolean>`exists (
    with recursive reached as (
      select * from (${sql.join(first, sql` union all `)}) as f
      union
      select w.number, w.location
      from reached as g
      cross join lateral (${sql.join(next, sql` union all `)}) as w
    )
    select from reached as r cross join lateral (${sql.join(found, sql` union all `)}) as h
  )`;
};

export const HOLDS: HoldSql<Connection> = { tableAs, isNamed, reachesHeldRow };
