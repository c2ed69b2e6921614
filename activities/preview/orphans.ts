import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { FrozenDeleteOrphans } from '../passes/delete-orphans.ts';
import { unheld } from '../sql/free.ts';
import { columnOf, tableOf } from '../sql/names.ts';
import { columnsForCascades, previewCascades } from './cascades.ts';
import { previewRepair } from './repair.ts';
import type { PreviewScript } from './script.ts';
import { placeAnd } from './script.ts';

/** Adds the rows whose parent is gone, or goes in an earlier pass, and what goes with them. */
export function previewOrphans(
  frozen: FrozenDeleteOrphans,
  pastGrace: RawBuilder<boolean>,
  script: PreviewScript,
): void {
  const { table, by, age, parent, parentKey, pointers, cascades } = frozen;
  const columns = [
    ...columnsForCascades(cascades, -1),
    ...pointers.map(({ targetGroup }) => targetGroup.name),
  ];
  const all = sql<boolean>`
    ${pastGrace}
    and ${script.alive(table, 't')}
    and not exists (
      select from ${tableOf(parent)} as parent
      where ${columnOf('parent', parentKey)} = ${columnOf('t', by)} and ${script.alive(parent, 'parent')}
    )`;
  const free = script.free({ table, cascades });
  const part = script.part(
    () => sql`
      select ${placeAnd('t', columns)}, ${columnOf('t', age)} as age
      from ${script.table(table, 't')}
      where ${unheld(all, free)}`,
  );
  script.countHeld(table, all, free);
  const doomed = script.doom(table, part, { by: by.name, parent: parent.label });
  script.range(table.label, part);
  previewCascades(script, cascades, table, doomed);
  for (const pointer of pointers) previewRepair(script, pointer, doomed);
}
