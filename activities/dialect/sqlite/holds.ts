import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { RowLink, RowTree } from '../../stored/row-tree.ts';
import { bindPredicate } from '../bind-predicate.ts';
import type { HeldTable } from '../held-dependents.ts';
import { isNothingHeld } from '../held-dependents.ts';
import { references } from '../join-path.ts';
import { isAbout, listHeldTables } from '../needs-locks.ts';
import { RowGraphSql } from '../row-graph.ts';
import type { Holds } from '../view.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { keyText, tableAs } from './identifiers.ts';

/** Over alias `h` of the holds: it is in force, now or at a later instant. */
export function isInForce(from: string | undefined): RawBuilder<boolean> {
  return sql`(h.until is null or h.until > ${from === undefined ? Date.now() : Date.parse(from)})`;
}

/** Over alias `t` of a table: a hold names the row. Undefined if no hold is about the table. */
export function isHeldRow(
  connection: Connection,
  { rows, from }: Holds,
  own: TableName,
): RawBuilder<boolean> | undefined {
  const checks = rows
    .filter((held) => isAbout(held, own))
    .map(({ key, condition }) => {
      if (condition !== null) return sql`${bindPredicate(condition)} is true`;
      if (key === null) return sql`false`;
      return sql`exists (
        select 1
        from ${ledgerTable(connection, 'hold')} as h
        where h.name = ${own.name} and h.key = ${keyText(key, 't')} and ${isInForce(from)}
      )`;
    });
  return checks.length === 0 ? undefined : sql<boolean>`(${sql.join(checks, sql` or `)})`;
}

/** How many rows the holds name that are there. Not those of tables that are dropped. */
export async function countHeld(connection: Connection, holds: Holds): Promise<number> {
  const { rows: tables } = await connection.run(sql<{ name: string }>`
    select name from main.sqlite_schema where type = 'table'`);
  const names = new Set(tables.map(({ name }) => name));
  const counts = listHeldTables(holds)
    .filter(({ name }) => names.has(name))
    .map(
      (table) =>
        sql`(select count(*) from ${tableAs(table, 't')} where ${isHeldRow(connection, holds, table)})`,
    );
  const { rows } = await connection.run(sql<{ rows: number }>`
    select ${sql.join([sql`0`, ...counts], sql` + `)} as rows`);
  return rows[0]?.rows ?? 0;
}

/** Over alias `t`: no hold names the row or anything that would be deleted along with it. Undefined if no hold could. */
export function isNotHeld(
  connection: Connection,
  holds: Holds,
  tree: RowTree,
): RawBuilder<boolean> | undefined {
  return isNothingHeld(
    { tableAs, isHeldRow: (table) => isHeldRow(connection, holds, table), reachesHeldRow },
    tree,
  );
}

/** See `HeldRowsSql.reachesHeldRow`. */
function reachesHeldRow(
  tree: RowTree,
  rows: RawBuilder<unknown>,
  wanted: readonly HeldTable[],
): RawBuilder<boolean> {
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
}
