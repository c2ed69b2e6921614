import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { RowLink } from '../../stored/row-tree.ts';
import type { HoldSql } from '../held-dependents.ts';
import { references } from '../join-path.ts';
import { RowGraphSql } from '../row-graph.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { keyText, tableAs } from './identifiers.ts';

/** Over alias `h` of the holds: it is in force, now or at a later instant. */
export function isInForce(from: string | undefined): RawBuilder<boolean> {
  return sql`(h.until is null or h.until > ${from === undefined ? Date.now() : Date.parse(from)})`;
}

const isNamed: HoldSql<Connection>['isNamed'] = (connection, key, { name }, from) => {
  return sql`exists (
    select 1
    from ${ledgerTable(connection, 'hold')} as h
    where h.name = ${name} and h.key = ${keyText(key, 't')} and ${isInForce(from)}
  )`;
};

const reachesHeldRow: HoldSql<Connection>['reachesHeldRow'] = (tree, rows, wanted) => {
  const graph = new RowGraphSql(tree);
  const follow = (
    { child, ...link }: Omit<RowLink, 'parent'>,
    parent: RawBuilder<unknown>,
  ): RawBuilder<unknown> => sql`
    select ${graph.number(child)}, c.rowid
    from ${parent}
    join ${tableAs(child, 'c')} on ${references('c', 'p', link)}`;
  const first = tree.cascades
    .filter(({ from }) => from === -1)
    .map(({ table: child, ...link }) => follow({ child, ...link }, sql`(${rows}) as p`));
  const next = graph.links.map((link) => {
    const parent = tableAs(link.parent, 'p');
    return follow(
      link,
      sql`reached as g join ${parent} on g.number = ${graph.number(link.parent)} and p.rowid = g.location`,
    );
  });
  const found = wanted.map(
    (reached) => sql`
      select 1
      from reached as r
      join ${tableAs(reached.table, 't')} on r.number = ${graph.number(reached.table)} and t.rowid = r.location
      where ${reached.held}`,
  );
  return sql<boolean>`exists (
    with recursive reached (number, location) as (
      ${sql.join([...first, ...next], sql` union `)}
    )
    ${sql.join(found, sql` union all `)}
  )`;
};

export const HOLDS: HoldSql<Connection> = { tableAs, isNamed, reachesHeldRow };
