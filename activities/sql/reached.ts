import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { CascadeStep } from '../plan/cascades.ts';
import type { TableName } from './names.ts';
import { tableOf } from './names.ts';
import { names } from './references.ts';

/** A table that rows are reached in, and which of them are meant, over alias `t`. */
export interface ReachedRows {
  readonly table: TableName;
  readonly where: RawBuilder<boolean>;
}

/**
 * Whether a delete of some rows of a table reaches, by cascade, rows of some tables, where a table is reached in several ways
 * or again from itself: foreign keys are followed from row to row until nothing new comes. Each foreign key is one of
 * the steps, so that they are the whole graph, once it does not matter by which way a step's parent was reached.
 */
export function reachesAny(
  steps: readonly CascadeStep[],
  table: TableName,
  rows: RawBuilder<unknown>,
  wanted: readonly ReachedRows[],
): RawBuilder<boolean> {
  const labels = [...new Set([table, ...steps.map((step) => step.table)].map(({ label }) => label))];
  const numberOf = ({ label }: TableName): RawBuilder<number> => sql`${labels.indexOf(label)}::int`;
  const way = (step: CascadeStep, parent: RawBuilder<unknown>): RawBuilder<unknown> => {
    return sql`
      select ${numberOf(step.table)} as number, c.ctid as place
      from ${parent} as p
      join ${tableOf(step.table)} as c on ${names('c', 'p', step)}`;
  };
  const first = steps.filter(({ from }) => from === -1).map((step) => way(step, sql`(${rows})`));
  const ways = steps.map((step) => {
    const parent = steps[step.from]?.table ?? table;
    return sql`${way(step, tableOf(parent))} where g.number = ${numberOf(parent)} and p.ctid = g.place`;
  });
  const found = wanted.map(
    (reached) => sql`
      select from ${tableOf(reached.table)} as t
      where r.number = ${numberOf(reached.table)} and t.ctid = r.place and ${reached.where}`,
  );
  return sql<boolean>`exists (
    with recursive reached as (
      select * from (${sql.join(first, sql` union all `)}) as f
      union
      select w.number, w.place
      from reached as g
      cross join lateral (${sql.join(ways, sql` union all `)}) as w
    )
    select from reached as r cross join lateral (${sql.join(found, sql` union all `)}) as h
  )`;
}
