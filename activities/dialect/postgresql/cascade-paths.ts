import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { CascadeStep } from '../../stored/pass.ts';
import { tableRef } from './identifiers.ts';

/** A path from a row, alias `p`, down to rows that are deleted with it. */
export interface DependencyPath {
  /** The table at the end. */
  readonly table: TableName;
  /** `from ... where` that finds its rows, alias `c`, for the row `p`. */
  readonly from: RawBuilder<unknown>;
}

/** Rows that the database deletes by cascade with the row; one path a step, in the order of the steps. */
export function pathsByCascades(steps: readonly CascadeStep[]): DependencyPath[] {
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
    const tables = chain.map(({ table }, depth) => sql`${tableRef(table)} as ${sql.id(alias(depth))}`);
    return {
      table: step.table,
      from: sql`from ${sql.join(tables)} where ${sql.join(conditions, sql` and `)}`,
    };
  });
}
