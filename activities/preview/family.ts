import { sql } from 'kysely';

import type { CascadeStep } from '../plan/cascades.ts';
import type { FrozenChild } from '../plan/freeze-family.ts';
import { columnOf, tableOf } from '../sql/names.ts';
import { previewRepair } from './repair.ts';
import type { Doomed, PreviewScript } from './script.ts';
import { kept, placeAnd } from './script.ts';

/** Columns of the table itself that its cascades look at. */
export function columnsForCascades(steps: readonly CascadeStep[], from: number): string[] {
  return steps.filter((step) => step.from === from).flatMap((step) => step.on.map(({ parent }) => parent));
}

/** Adds what the database deletes by cascade along with some rows. */
export function previewCascades(
  script: PreviewScript,
  steps: readonly CascadeStep[],
  root: Doomed,
): Doomed[] {
  const doomed: Doomed[] = [];
  for (const [n, step] of steps.entries()) {
    const parent = step.from === -1 ? root : doomed[step.from];
    if (parent === undefined) continue;
    const columns = [
      ...columnsForCascades(steps, n),
      ...(step.table.label === parent.label ? step.on.map((pair) => pair.parent) : []),
    ];
    const table = tableOf(step.table);
    const on = sql.join(
      step.on.map((pair) => sql`${sql.id('c', pair.child)} = ${sql.id('d', kept(pair.parent))}`),
      sql` and `,
    );
    const rows = sql`select ${placeAnd('c', columns)} from ${table} as c`;
    const alive = script.alive(step.table, 'c');
    const part = script.part((self) => {
      const first = sql`${rows} join ${sql.id(parent.part)} as d on ${on} where ${alive}`;
      // A table that cascades to itself does so to any depth; `union` ends where nothing new comes.
      return step.table.label === parent.label
        ? sql`${first} union ${rows} join ${self} as d on ${on} where ${alive}`
        : sql`select distinct * from (${first}) as reached`;
    });
    doomed.push(script.doom(step.table, part));
  }
  return doomed;
}

/** Adds the soft children of some rows, what cascades from those, and the repair of pointers at them. */
export function previewChildren(
  script: PreviewScript,
  children: readonly FrozenChild[],
  parent: Doomed & { readonly key: string },
): void {
  for (const child of children) {
    const columns = [
      ...columnsForCascades(child.cascades, -1),
      ...child.pointers.map(({ targetGroup }) => targetGroup.name),
    ];
    const alive = script.alive(child.table, 'c', { by: child.by.name, parent: parent.label });
    const part = script.part(
      () => sql`
        select ${placeAnd('c', columns)}
        from ${tableOf(child.table)} as c
        join ${sql.id(parent.part)} as d on ${columnOf('c', child.by)} = ${sql.id('d', kept(parent.key))}
        where ${alive}`,
    );
    const doomed = script.doom(child.table, part);
    previewCascades(script, child.cascades, doomed);
    for (const pointer of child.pointers) previewRepair(script, pointer, doomed);
  }
}
