import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName, ColumnName } from '../../stored/columns.ts';
import type { RowTree, CascadeStep } from '../../stored/pass.ts';
import { bindPredicate } from '../bind-predicate.ts';
import { pathsByCascades } from '../cascade-paths.ts';
import { isTree } from '../cascades.ts';
import { references } from '../join-path.ts';
import { isAbout } from '../locks.ts';
import type { HeldRows, Holds } from '../view.ts';
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

/** Over alias `t` of a table: a hold names the row. Undefined if no hold is about the table. */
export function isHeldRow(
  connection: Connection,
  { rows, from }: Holds,
  own: TableName,
): RawBuilder<boolean> | undefined {
  const checks = rows
    .filter((held) => isAbout(held, own))
    .map(({ key, condition, of }) => {
      if (condition !== null) return sql`${bindPredicate(condition)} is true`;
      if (key === null) return sql`false`;
      // A count, and not `exists`: that the planner may answer from a hash of all holds, made anew in each batch.
      return sql`(
        select count(*)
        from ${ledgerTable(connection, 'hold')} as h
        where ${isNamed(key, of)} and ${isInForce(from)}
      ) > 0`;
    });
  return checks.length === 0 ? undefined : sql<boolean>`(${sql.join(checks, sql` or `)})`;
}

/** Over alias `t` of a table and `h` of the holds: the key of a hold on the table is the row's. */
function isNamed(key: ColumnName, of: HeldRows['of']): RawBuilder<boolean> {
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
  const row = sql`select ${sql.join([...columns].map((name) => sql.id('t', name)))}`;
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
      join ${tableRef(child.table)} as c on ${columnRef('c', child.by)} = ${columnRef('p', key)}`;
    const held = isHeldRow(connection, holds, child.table);
    if (held !== undefined) found.push(sql`exists (select from (${owned}) as t where ${held})`);
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
      select from (${rows}) as p, ${from} where ${where} and ${held}
    )`,
  );
}

/**
 * Whether a delete of some rows of a table reaches, by cascade, some rows of other tables, if a table is reached along
 * several paths or again from itself: foreign keys are followed from row to row until nothing new comes. Each foreign
 * key is one of the steps, so that they are the whole graph, whatever the path to a step's parent.
 */
function reachesHeldRow(
  steps: readonly CascadeStep[],
  table: TableName,
  rows: RawBuilder<unknown>,
  wanted: readonly { readonly table: TableName; readonly held: RawBuilder<boolean> }[],
): RawBuilder<boolean> {
  const labels = [...new Set([table, ...steps.map((step) => step.table)].map(({ label }) => label))];
  const labelIndex = ({ label }: TableName): RawBuilder<number> => sql`${labels.indexOf(label)}::int`;
  const follow = (step: CascadeStep, parent: RawBuilder<unknown>): RawBuilder<unknown> => {
    return sql`
      select ${labelIndex(step.table)} as number, c.ctid as location
      from ${parent} as p
      join ${tableRef(step.table)} as c on ${references('c', 'p', step.on)}`;
  };
  const first = steps.filter(({ from }) => from === -1).map((step) => follow(step, sql`(${rows})`));
  const next = steps.map((step) => {
    const parent = steps[step.from]?.table ?? table;
    return sql`${follow(step, tableRef(parent))} where g.number = ${labelIndex(parent)} and p.ctid = g.location`;
  });
  const found = wanted.map(
    (reached) => sql`
      select from ${tableRef(reached.table)} as t
      where r.number = ${labelIndex(reached.table)} and t.ctid = r.location and ${reached.held}`,
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
}
