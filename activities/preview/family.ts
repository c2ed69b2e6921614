import { sql } from 'kysely';

import type { FrozenChild } from '../plan/freeze-family.ts';
import { columnOf } from '../sql/names.ts';
import { columnsForCascades, previewCascades } from './cascades.ts';
import { previewRepair } from './repair.ts';
import type { Doomed, PreviewScript } from './script.ts';
import { kept, placeAnd } from './script.ts';

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
      ...(child.own === undefined ? [] : [child.own.key.name]),
    ];
    const alive = script.alive(child.table, 'c', { by: child.by.name, parent: parent.label });
    const part = script.part(
      () => sql`
        select ${placeAnd('c', columns)}
        from ${script.table(child.table, 'c')}
        join ${sql.id(parent.part)} as d on ${columnOf('c', child.by)} = ${sql.id('d', kept(parent.key))}
        where ${alive}`,
    );
    const doomed = script.doom(child.table, part);
    previewCascades(script, child.cascades, child.table, doomed);
    if (child.own !== undefined) {
      previewChildren(script, child.own.children, { ...doomed, key: child.own.key.name });
    }
    for (const pointer of child.pointers) previewRepair(script, pointer, doomed);
  }
}
