import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { FrozenDeleteUnreferenced } from '../passes/delete-unreferenced.ts';
import { unheld } from '../sql/free.ts';
import { columnOf } from '../sql/names.ts';
import { names } from '../sql/references.ts';
import { columnsForCascades, previewCascades } from './cascades.ts';
import type { PreviewScript } from './script.ts';
import { placeAnd } from './script.ts';

/** Adds the rows that nothing points at after what earlier passes take, and what goes with them. */
export function previewUnreferenced(
  { table, references, cascades, age }: FrozenDeleteUnreferenced,
  pastGrace: RawBuilder<boolean>,
  script: PreviewScript,
): void {
  const checks = references.map(
    (reference) => sql`
      not exists (
        select from ${script.table(reference.table, 'c')}
        where ${names('c', 't', reference)} and ${script.alive(reference.table, 'c')}
      )`,
  );
  const all = sql<boolean>`${pastGrace} and ${script.alive(table, 't')} and ${sql.join(checks, sql` and `)}`;
  const free = script.free({ table, cascades });
  const part = script.part(
    () => sql`
      select ${placeAnd('t', columnsForCascades(cascades, -1))}, ${columnOf('t', age)} as age
      from ${script.table(table, 't')}
      where ${unheld(all, free)}`,
  );
  script.countHeld(table, all, free);
  const doomed = script.doom(table, part);
  script.range(table.label, part);
  previewCascades(script, cascades, table, doomed);
}
