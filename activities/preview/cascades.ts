import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { CascadeStep } from '../plan/cascades.ts';
import { distinctTables, isTree } from '../plan/cascades.ts';
import type { TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import { names } from '../sql/references.ts';
import type { Doomed, PreviewScript } from './script.ts';
import { kept, placeAnd } from './script.ts';

/** Columns of the table itself that its cascades look at. */
export function columnsForCascades(steps: readonly CascadeStep[], from: number): string[] {
  return steps.filter((step) => step.from === from).flatMap((step) => step.on.map(({ parent }) => parent));
}

/** Adds what the database deletes by cascade along with some rows of a table. */
export function previewCascades(
  script: PreviewScript,
  steps: readonly CascadeStep[],
  table: TableName,
  root: Doomed,
): void {
  if (isTree(steps, table)) previewTree(script, steps, root);
  else previewGraph(script, steps, table, root);
}

/** Every table is reached in one way: a part a step, each a plain join with the one above. */
function previewTree(script: PreviewScript, steps: readonly CascadeStep[], root: Doomed): void {
  const doomed: Doomed[] = [];
  for (const [n, step] of steps.entries()) {
    const parent = doomed[step.from] ?? root;
    const on = step.on.map((pair) => sql`${sql.id('c', pair.child)} = ${sql.id('d', kept(pair.parent))}`);
    const part = script.part(
      () => sql`
        select distinct ${placeAnd('c', columnsForCascades(steps, n))}
        from ${tableOf(step.table)} as c
        join ${sql.id(parent.part)} as d on ${sql.join(on, sql` and `)}
        where ${script.alive(step.table, 'c')}`,
    );
    doomed.push(script.doom(step.table, part));
  }
}

/**
 * A table is reached in several ways, or again from itself: one part walks all foreign keys from row to row until
 * nothing new comes. Each foreign key is one of the steps, so that they are the whole graph.
 */
function previewGraph(
  script: PreviewScript,
  steps: readonly CascadeStep[],
  table: TableName,
  root: Doomed,
): void {
  const tables = distinctTables([table, ...steps.map((step) => step.table)]);
  const numberOf = ({ label }: TableName): number => tables.findIndex((known) => known.label === label);
  const ways = steps.map((step): RawBuilder<unknown> => {
    const parent = steps[step.from]?.table ?? table;
    return sql`
      select ${numberOf(step.table)}::int as number, c.ctid as place
      from ${tableOf(parent)} as p
      join ${tableOf(step.table)} as c on ${names('c', 'p', step)}
      where
        g.number = ${numberOf(parent)}::int and p.ctid = g.place and ${script.alive(step.table, 'c')}`;
  });
  const reached = script.part(
    (self) => sql`
      select 0 as number, r.place
      from ${sql.id(root.part)} as r
      union
      select w.number, w.place
      from ${self} as g
      cross join lateral (${sql.join(ways, sql` union all `)}) as w`,
  );
  for (const [number, found] of tables.entries()) {
    const part = script.part(
      () => sql`
        select f.place
        from ${sql.id(reached)} as f
        where
          f.number = ${number}::int
          and not exists (select from ${sql.id(root.part)} as r where ${number}::int = 0 and r.place = f.place)`,
    );
    script.doom(found, part);
  }
}
