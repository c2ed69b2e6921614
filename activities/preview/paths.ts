import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { FrozenRoot } from '../sql/known-files.ts';
import { columnOf, tableOf } from '../sql/names.ts';
import type { PreviewScript } from './script.ts';

/** A select of the paths, column `path`, that rows record for a root which some earlier passes take; undefined for none. */
export function pathsGone(
  script: PreviewScript,
  root: FrozenRoot,
  of: (pass: string, records: boolean) => boolean,
): RawBuilder<unknown> | undefined {
  const parts = root.recordedBy.flatMap(({ table, column }) =>
    script
      .takenFrom(table, root.name)
      .filter(({ pass, records }) => of(pass, records))
      .map(
        ({ part }) => sql`
          select ${columnOf('t', column)}::text as path
          from ${tableOf(table)} as t
          join ${sql.id(part)} as gone on gone.place = t.ctid`,
      ),
  );
  return parts.length === 0 ? undefined : sql.join(parts, sql` union all `);
}

/** Over column `path` of alias `p`: a row records it that no part so far takes. */
export function isRecorded(script: PreviewScript, { recordedBy }: FrozenRoot): RawBuilder<boolean> {
  const looks = recordedBy.map(
    ({ table, column }) => sql`exists (
      select from ${tableOf(table)} as t
      where ${columnOf('t', column)} = p.path and ${script.alive(table, 't')}
    )`,
  );
  return sql`(${sql.join(looks, sql` or `)})`;
}
