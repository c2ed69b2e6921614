import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { CascadeStep } from '../plan/cascades.ts';
import { isTree } from '../plan/cascades.ts';
import type { FrozenChild } from '../plan/freeze-family.ts';
import type { Holds } from './holds.ts';
import { isHeld } from './holds.ts';
import type { ColumnName, TableName } from './names.ts';
import { columnOf, tableOf } from './names.ts';
import { reachesAny } from './reached.ts';
import { descendByCascades } from './weigh.ts';

/** A table and what goes along with its rows. */
export interface HeldFamily {
  readonly table: TableName;
  readonly cascades: readonly CascadeStep[];
  /** What soft children name a row by; null or left out where there are none. */
  readonly key?: ColumnName | null;
  readonly children?: readonly FrozenChild[];
}

/**
 * Over alias `t`: no hold names the row or anything that would go along with it, by cascade or as a soft child, however
 * deep. Undefined where no hold is about any of these tables.
 */
export function isFree(holds: Holds, family: HeldFamily): RawBuilder<boolean> | undefined {
  if (holds.rows.length === 0) return undefined;
  const columns = new Set([
    ...family.cascades.filter(({ from }) => from === -1).flatMap(({ on }) => on.map(({ parent }) => parent)),
    ...(family.key ? [family.key.name] : []),
  ]);
  const own = isHeld(holds, family.table);
  // In its own select nothing else is called `t` yet: these are the columns of the row that is judged.
  const row = sql`select ${sql.join([...columns].map((name) => sql.id('t', name)))}`;
  const checks = [...(own === undefined ? [] : [own]), ...heldBelow(holds, family, row)];
  if (checks.length === 0) return undefined;
  return sql<boolean>`(${sql.join(checks, sql` or `)}) is not true`;
}

/** A condition with what holds keep left out, where there are any. */
export function unheld(
  where: RawBuilder<boolean>,
  free: RawBuilder<boolean> | undefined,
): RawBuilder<boolean> {
  return free === undefined ? where : sql`${where} and ${free}`;
}

/** Whether something below some rows, which a select gives, is held: a condition for each table with holds. */
function heldBelow(
  holds: Holds,
  { table, cascades, key = null, children = [] }: HeldFamily,
  rows: RawBuilder<unknown>,
): RawBuilder<boolean>[] {
  const found = heldByCascade(holds, table, cascades, rows);
  if (key === null) return found;
  for (const child of children) {
    const owned = sql`
      select c.*
      from (${rows}) as p
      join ${tableOf(child.table)} as c on ${columnOf('c', child.by)} = ${columnOf('p', key)}`;
    const held = isHeld(holds, child.table);
    if (held !== undefined) found.push(sql`exists (select from (${owned}) as t where ${held})`);
    const { cascades: steps, own } = child;
    found.push(...heldBelow(holds, { table: child.table, cascades: steps, ...own }, owned));
  }
  return found;
}

/** Whether something that goes by cascade with some rows of a table is held. */
function heldByCascade(
  holds: Holds,
  table: TableName,
  cascades: readonly CascadeStep[],
  rows: RawBuilder<unknown>,
): RawBuilder<boolean>[] {
  const descents = descendByCascades(cascades).flatMap(({ table: below, from }) => {
    const where = isHeld(holds, below);
    return where === undefined ? [] : [{ table: below, from, where }];
  });
  if (descents.length === 0) return [];
  if (!isTree(cascades, table)) {
    const wanted = new Map(descents.map((descent) => [descent.table.label, descent]));
    return [reachesAny(cascades, table, rows, [...wanted.values()])];
  }
  return descents.map(
    ({ from, where }) => sql`exists (
      select from (${rows}) as p cross join lateral (select c.* ${from}) as t where ${where}
    )`,
  );
}
