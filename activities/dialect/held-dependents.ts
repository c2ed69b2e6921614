import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from '../stored/columns.ts';
import type { CascadeStep, RowTree } from '../stored/row-tree.ts';
import { bindPredicate } from './bind-predicate.ts';
import { isTree, pathsByCascades } from './cascade-paths.ts';
import type { TableAs } from './join-path.ts';
import { linkToParent, references } from './join-path.ts';
import { isAbout } from './needs-locks.ts';
import type { HeldRows, Holds } from './view.ts';

/** A table with held rows, and which these are, over alias `t`. */
export interface HeldTable {
  readonly table: TableName;
  readonly held: RawBuilder<boolean>;
}

/** How a dialect asks for held rows. */
export interface HoldSql<Connection> {
  readonly tableAs: TableAs;
  /** Over alias `t` of a table: a hold that is in force, now or from an instant on, names the row by its key. */
  isNamed(
    connection: Connection,
    key: ColumnName,
    of: HeldRows['of'],
    from: string | undefined,
  ): RawBuilder<boolean>;
  /**
   * Whether a delete of some rows of the tree's table reaches, by cascade, held rows of others, if a table is reached along
   * several paths or again from itself: foreign keys are followed from row to row until nothing new comes. Each foreign key
   * is one of the steps, so that they are the whole graph, whatever the path to a step's parent.
   */
  reachesHeldRow(tree: RowTree, rows: RawBuilder<unknown>, wanted: readonly HeldTable[]): RawBuilder<boolean>;
}

/** The same for some holds. */
interface HeldRowsSql extends Pick<HoldSql<unknown>, 'tableAs' | 'reachesHeldRow'> {
  readonly isHeldRow: (table: TableName) => RawBuilder<boolean> | undefined;
}

/** Over alias `t` of a table: a hold names the row. Undefined if no hold is about the table. */
export function isHeldRow<Connection>(
  dialect: HoldSql<Connection>,
  connection: Connection,
  { rows, from }: Holds,
  table: TableName,
): RawBuilder<boolean> | undefined {
  const checks = rows
    .filter((held) => isAbout(held, table))
    .map(({ key, condition, of }) => {
      if (condition !== null) return sql`${bindPredicate(condition)} is true`;
      return key === null ? sql`false` : dialect.isNamed(connection, key, of, from);
    });
  return checks.length === 0 ? undefined : sql<boolean>`(${sql.join(checks, sql` or `)})`;
}

/**
 * Over alias `t`: no hold names the row or anything that would be deleted along with it, by cascade or as a soft child,
 * however deep. Undefined if no hold is about any of these tables.
 */
export function isNothingHeld<Connection>(
  holdSql: HoldSql<Connection>,
  connection: Connection,
  holds: Holds,
  tree: RowTree,
): RawBuilder<boolean> | undefined {
  const dialect: HeldRowsSql = {
    ...holdSql,
    isHeldRow: (table) => isHeldRow(holdSql, connection, holds, table),
  };
  const columns = new Set([
    ...tree.cascades.filter(({ from }) => from === -1).flatMap(({ on }) => on.map(({ parent }) => parent)),
    ...(tree.key ? [tree.key.name] : []),
  ]);
  const own = dialect.isHeldRow(tree.table);
  // In its own select nothing else is called `t` yet: these are the columns of the row that is judged.
  const list = [...columns].map((name) => sql`${sql.id('t', name)} as ${sql.id(name)}`);
  const row = sql`select ${sql.join(list.length === 0 ? [sql`1`] : list)}`;
  const checks = [...(own === undefined ? [] : [own]), ...heldDependents(dialect, tree, row)];
  if (checks.length === 0) return undefined;
  return sql<boolean>`(${sql.join(checks, sql` or `)}) is not true`;
}

/** Whether something below some rows, which a select gives, is held: a condition for each table with holds. */
function heldDependents(
  dialect: HeldRowsSql,
  { table, cascades, key = null, children = [] }: RowTree,
  rows: RawBuilder<unknown>,
): RawBuilder<boolean>[] {
  const found = heldByCascade(dialect, table, cascades, rows);
  if (key === null) return found;
  for (const child of children) {
    const owned = sql`
      select c.*
      from (${rows}) as p
      join ${dialect.tableAs(child.table, 'c')} on ${references('c', 'p', linkToParent(child))}`;
    const held = dialect.isHeldRow(child.table);
    if (held !== undefined) found.push(sql`exists (select 1 from (${owned}) as t where ${held})`);
    const { cascades: steps, own } = child;
    found.push(...heldDependents(dialect, { table: child.table, cascades: steps, ...own }, owned));
  }
  return found;
}

/** Whether something that is deleted by cascade with some rows of a table is held. */
function heldByCascade(
  dialect: HeldRowsSql,
  table: TableName,
  cascades: readonly CascadeStep[],
  rows: RawBuilder<unknown>,
): RawBuilder<boolean>[] {
  const paths = pathsByCascades(cascades, 't', dialect.tableAs).flatMap((path) => {
    const held = dialect.isHeldRow(path.table);
    return held === undefined ? [] : [{ ...path, held }];
  });
  if (paths.length === 0) return [];
  if (!isTree(cascades, table)) {
    const wanted = new Map(paths.map((path) => [path.table.label, path]));
    return [dialect.reachesHeldRow({ table, cascades }, rows, [...wanted.values()])];
  }
  return paths.map(
    ({ from, where, held }) => sql`exists (
      select 1 from (${rows}) as p, ${from} where ${where} and ${held}
    )`,
  );
}
