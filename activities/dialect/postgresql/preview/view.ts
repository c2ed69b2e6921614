import { sql } from 'kysely';

import { caseByRetention } from '../../case-by-retention.ts';
import { toCondition } from '../../condition.ts';
import { isStale } from '../../references.ts';
import { createView } from '../../sql-view.ts';
import type { View, ViewOptions } from '../../view.ts';
import type { Connection } from '../connection.ts';
import { tableRef } from '../identifiers.ts';
import { groupKey, retentionIndex, selectNewest } from '../keep-last.ts';
import { VIEW } from '../view.ts';
import type { PreviewStatement } from './statement.ts';

/** The tables without the rows that passes delete which were added to a preview before. */
export function createPreviewView(
  connection: Connection,
  options: ViewOptions,
  statement: PreviewStatement,
): View {
  const { seen } = statement;
  const view = createView(VIEW, connection, options, seen);
  return {
    ...view,
    // Rows of the pass itself are judged all at once: see `addDeleted`.
    isNotChained: () => undefined,

    /** Nothing of a group is deleted either if earlier passes delete some of its newest rows. */
    isNotKept(expiry) {
      const { table, key, retentions } = expiry;
      if (key === null) return toCondition(sql`true`);
      const newest = statement.addCte(() => selectNewest(expiry));
      const groups = statement.addCte(
        () => sql`
          select newest.retention_index, newest.group_key, count(*) as rows
          from ${sql.id(newest)} as newest
          join ${tableRef(table)} as k on k.ctid = newest.location
          where ${statement.isNotDeletedYet(table, 'k')}
          group by newest.retention_index, newest.group_key`,
      );
      const count = caseByRetention(retentions, ({ keep }) => sql`${keep?.count ?? 0}::int`);
      return toCondition(sql`(
        not exists (select from ${sql.id(newest)} as newest where newest.location = t.ctid)
        and (${count} = 0 or exists (
          select from ${sql.id(groups)} as g
          where g.retention_index = ${retentionIndex(retentions)} and g.group_key = ${groupKey(retentions)} and g.rows >= ${count}
        ))
      )`);
    },

    /** Earlier passes may have moved the pointer. */
    isStale(pointer) {
      const moved = statement.findPointers(pointer);
      if (moved === undefined) return view.isStale(pointer);
      return toCondition(sql`exists (
        select from ${sql.id(moved)} as c
        where c.location = t.ctid and ${isStale(seen, pointer, sql`c.pointer_value`, sql`c.group_value`)}
      )`);
    },
  };
}
