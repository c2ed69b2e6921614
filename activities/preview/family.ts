import { sql } from 'kysely';

import type { FrozenChild } from '../plan/freeze-family.ts';
import { columnOf } from '../sql/names.ts';
import { columnsForCascades, previewCascades } from './cascades.ts';
import { previewRepair } from './repair.ts';
import type { Doomed, PreviewScript } from './script.ts';
import { kept, placeAnd } from './script.ts';

/**
 * Adds what goes with some rows, in the order of the deletes: a soft child with a foreign key goes before its parent,
 * with what belongs to it in turn, also where the foreign key would cascade to it.
 */
export function previewBelonging(
  script: PreviewScript,
  { table, cascades, own }: Pick<FrozenChild, 'table' | 'cascades' | 'own'>,
  doomed: Doomed,
): void {
  const children = (early: boolean): void => {
    if (own === undefined) return;
    const some = own.children.filter(({ beforeParent }) => beforeParent === early);
    previewChildren(script, some, { ...doomed, key: own.key.name });
  };
  children(true);
  previewCascades(script, cascades, table, doomed);
  children(false);
}

/** Adds the soft children of some rows, what belongs to those, and the repair of pointers at them. */
function previewChildren(
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
    previewBelonging(script, child, doomed);
    for (const pointer of child.pointers) previewRepair(script, pointer, doomed);
  }
}
