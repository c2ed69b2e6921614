import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { CascadeStep } from '../plan/cascades.ts';
import type { FrozenChild } from '../plan/freeze-family.ts';
import type { ColumnName, TableName } from './names.ts';
import { tableOf } from './names.ts';
import type { Tx } from './transaction.ts';

/** A way from a row, alias `p`, down to rows that go with it. */
export interface Descent {
  /** The table at the end. */
  readonly table: TableName;
  /** `from ... where` that finds its rows, alias `c`, for the row `p`. */
  readonly from: RawBuilder<unknown>;
}

/** Rows that the database deletes by cascade when the row goes; one descent a step, in the order of the steps. */
export function descendByCascades(steps: readonly CascadeStep[]): Descent[] {
  return steps.map((step, at) => {
    const chain: CascadeStep[] = [];
    for (let n = at; n !== -1; n = steps[n]?.from ?? -1) chain.unshift(steps[n] as CascadeStep);
    const alias = (depth: number): string =>
      depth === -1 ? 'p' : depth === chain.length - 1 ? 'c' : `s${depth}`;
    const conditions = chain.flatMap(({ on }, depth) =>
      on.map(
        ({ child, parent }) => sql`${sql.id(alias(depth), child)} = ${sql.id(alias(depth - 1), parent)}`,
      ),
    );
    const tables = chain.map(({ table }, depth) => sql`${tableOf(table)} as ${sql.id(alias(depth))}`);
    return {
      table: step.table,
      from: sql`from ${sql.join(tables)} where ${sql.join(conditions, sql` and `)}`,
    };
  });
}

/** Rows of soft children that belong to the row, and of theirs in turn; `key` is what the children name. */
export function descendToChildren(children: readonly FrozenChild[], key: ColumnName): Descent[] {
  return descendByCascades(stepsTo({ cascades: [], children, key }, () => []));
}

/** Everything that goes along with a row: by cascade, as soft children, and by cascade from those. */
export function descendToAll(
  cascades: readonly CascadeStep[],
  children: readonly FrozenChild[],
  key: ColumnName | null,
): Descent[] {
  return descendByCascades(stepsTo({ cascades, children, key }, (child) => child.cascades));
}

interface Below {
  readonly cascades: readonly CascadeStep[];
  readonly children: readonly FrozenChild[];
  /** What the children name; null where there are none. */
  readonly key: ColumnName | null;
}

/** Soft children as further steps: a join leads to them as it does to what cascades. */
function stepsTo(
  { cascades, children, key }: Below,
  cascadesOf: (child: FrozenChild) => readonly CascadeStep[],
  from = -1,
  steps: CascadeStep[] = [],
): CascadeStep[] {
  const first = steps.length;
  steps.push(...cascades.map((step) => ({ ...step, from: step.from === -1 ? from : first + step.from })));
  if (key === null) return steps;
  for (const child of children) {
    const { table, by, own } = child;
    const at = steps.push({ from, table, on: [{ child: by.name, parent: key.name }] }) - 1;
    const below = { cascades: cascadesOf(child), children: own?.children ?? [], key: own?.key ?? null };
    stepsTo(below, cascadesOf, at, steps);
  }
  return steps;
}

/**
 * How many rows go with each of some rows, in the order of the places. Counts up to `most` in one descent, which is
 * all that a caller needs to know that a row is too big for one transaction.
 */
export async function weigh(
  tx: Tx,
  table: TableName,
  places: readonly string[],
  descents: readonly Descent[],
  most: number,
): Promise<number[]> {
  const counts = descents.map(
    ({ from }) => sql` + (select count(*) from (select ${from} limit ${most}) as counted)`,
  );
  const { rows } = await sql<{ weight: number }>`
    select (1${sql.join(counts, sql``)})::float8 as weight
    from unnest(${places}::tid[]) with ordinality as w(place, n)
    -- One look-up a place; a join would be free to read the whole table.
    cross join lateral (select p.* from ${tableOf(table)} as p where p.ctid = w.place limit 1) as p
    order by w.n`.execute(tx);
  return rows.map((row) => row.weight);
}

/** Deletes some rows that go with the row at a place, but for some (alias `t`). Answers how many. */
export async function deleteDescended(
  tx: Tx,
  parent: TableName,
  place: string,
  { table, from }: Descent,
  limit: number,
  but?: RawBuilder<boolean>,
): Promise<number> {
  const result = await sql`
    delete from ${tableOf(table)} as t
    where t.ctid = any(array(
      select d.ctid
      from ${tableOf(parent)} as p
      cross join lateral (select c.ctid ${from} limit ${limit}) as d
      where p.ctid = ${place}::tid
    )) and ${but === undefined ? sql`true` : sql`${but} is not true`}`.execute(tx);
  return Number(result.numAffectedRows ?? 0);
}
