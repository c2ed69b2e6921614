import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { CascadeStep, RowTree } from '../../stored/pass.ts';
import { bindPredicate } from '../bind-predicate.ts';
import { pathsByCascades } from '../cascade-paths.ts';
import { isTree } from '../cascades.ts';
import { references } from '../join-path.ts';
import { isAbout } from '../locks.ts';
import type { Holds } from '../view.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { columnRef, keyText, tableAs } from './identifiers.ts';

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

/**
 * Over alias `t`: no hold names the row or anything that would be deleted along with it, by cascade or as a soft child,
 * however deep. Undefined if no hold is about any of these tables.
 */
export function isNotHeld(
  connection: Connection,
  holds: Holds,
  tree: RowTree,
): RawBuilder<boolean> | undefined {
  if (holds.rows.length === 0) return undefined;
  const columns = new Set([
    ...tree.cascades.filter(({ from }) => from === -1).flatMap(({ on }) => on.map(({ parent }) => parent)),
    ...(tree.key ? [tree.key.name] : []),
  ]);
  const own = isHeldRow(connection, holds, tree.table);
  // In its own select nothing else is called `t` yet: these are the columns of the row that is judged.
  const list = [...columns].map((name) => sql`${sql.id('t', name)} as ${sql.id(name)}`);
  const row = sql`select ${sql.join(list.length === 0 ? [sql`1`] : list)}`;
  const checks = [...(own === undefined ? [] : [own]), ...heldDependents(connection, holds, tree, row)];
  if (checks.length === 0) return undefined;
  return sql<boolean>`(${sql.join(checks, sql` or `)}) is not true`;
}

/** Whether something below some rows, which a select gives, is held: a condition for each table with holds. */
function heldDependents(
  connection: Connection,
  holds: Holds,
  { table, cascades, key = null, children = [] }: RowTree,
  rows: RawBuilder<unknown>,
): RawBuilder<boolean>[] {
  const found = heldByCascade(connection, holds, table, cascades, rows);
  if (key === null) return found;
  for (const child of children) {
    const owned = sql`
      select c.*
      from (${rows}) as p
      join ${tableAs(child.table, 'c')} on ${columnRef('c', child.by)} = ${columnRef('p', key)}`;
    const held = isHeldRow(connection, holds, child.table);
    if (held !== undefined) found.push(sql`exists (select 1 from (${owned}) as t where ${held})`);
    const { cascades: steps, own } = child;
    found.push(...heldDependents(connection, holds, { table: child.table, cascades: steps, ...own }, owned));
  }
  return found;
}

/** Whether something that is deleted by cascade with some rows of a table is held. */
function heldByCascade(
  connection: Connection,
  holds: Holds,
  table: TableName,
  cascades: readonly CascadeStep[],
  rows: RawBuilder<unknown>,
): RawBuilder<boolean>[] {
  const paths = pathsByCascades(cascades, 't', tableAs).flatMap((path) => {
    const held = isHeldRow(connection, holds, path.table);
    return held === undefined ? [] : [{ ...path, held }];
  });
  if (paths.length === 0) return [];
  if (!isTree(cascades, table)) {
    const wanted = new Map(paths.map((path) => [path.table.label, path]));
    return [reachesHeldRow(cascades, table, rows, [...wanted.values()])];
  }
  return paths.map(
    ({ from, where, held }) => sql`exists (
      select 1 from (${rows}) as p, ${from} where ${where} and ${held}
    )`,
  );
}

/**
 * Whether a delete of some rows of a table reaches, by cascade, some rows of other tables, if a table is reached along
 * several paths or again from itself: foreign keys are followed from row to row until nothing new comes.
 */
function reachesHeldRow(
  steps: readonly CascadeStep[],
  table: TableName,
  rows: RawBuilder<unknown>,
  wanted: readonly { readonly table: TableName; readonly held: RawBuilder<boolean> }[],
): RawBuilder<boolean> {
  const labels = [...new Set([table, ...steps.map((step) => step.table)].map(({ label }) => label))];
  const number = ({ label }: TableName): RawBuilder<number> => sql`${labels.indexOf(label)}`;
  const follow = (step: CascadeStep, parent: RawBuilder<unknown>): RawBuilder<unknown> => sql`
    select ${number(step.table)}, c.rowid
    from ${parent}
    join ${tableAs(step.table, 'c')} on ${references('c', 'p', step.on)}`;
  const first = steps.filter(({ from }) => from === -1).map((step) => follow(step, sql`(${rows}) as p`));
  const next = steps.map((step) => {
    const parent = steps[step.from]?.table ?? table;
    return follow(
      step,
      sql`reached as g join ${tableAs(parent, 'p')} on g.number = ${number(parent)} and p.rowid = g.location`,
    );
  });
  const found = wanted.map(
    (reached) => sql`
      select 1
      from reached as r
      join ${tableAs(reached.table, 't')} on r.number = ${number(reached.table)} and t.rowid = r.location
      where ${reached.held}`,
  );
  return sql<boolean>`exists (
    with recursive reached (number, location) as (
      ${sql.join([...first, ...next], sql` union `)}
    )
    ${sql.join(found, sql` union all `)}
  )`;
}
