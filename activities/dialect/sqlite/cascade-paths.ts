import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { CascadeStep } from '../../stored/pass.ts';
import { references, tableAs } from './references.ts';

/** A path from a row, alias `p`, down to rows that are deleted with it. */
export interface DependencyPath {
  /** The table at the end. */
  readonly table: TableName;
  /** The tables of the path, the last by the alias that was asked for. */
  readonly from: RawBuilder<unknown>;
  /** Which of their rows are dependents of the row `p`. */
  readonly where: RawBuilder<boolean>;
}

/** Rows that the database deletes by cascade with the row; one path a step, in the order of the steps. */
export function pathsByCascades(steps: readonly CascadeStep[], last: string): DependencyPath[] {
  return steps.map((step, at) => {
    const chain: CascadeStep[] = [];
    for (let n = at; n !== -1; n = steps[n]?.from ?? -1) chain.unshift(steps[n] as CascadeStep);
    const alias = (depth: number): string =>
      depth === -1 ? 'p' : depth === chain.length - 1 ? last : `s${depth}`;
    return {
      table: step.table,
      from: sql.join(chain.map(({ table }, depth) => tableAs(table, alias(depth)))),
      where: sql`${sql.join(
        chain.map(({ on }, depth) => references(alias(depth), alias(depth - 1), on)),
        sql` and `,
      )}`,
    };
  });
}
