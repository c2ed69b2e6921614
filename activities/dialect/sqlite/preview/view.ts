import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { toCondition } from '../../condition.ts';
import { isStale } from '../../references.ts';
import { createView } from '../../sql-view.ts';
import type { View, ViewOptions } from '../../view.ts';
import type { Connection } from '../connection.ts';
import { tableAs } from '../identifiers.ts';
import { groupKey, keepCount, retentionIndex, selectNewest } from '../keep-last.ts';
import { VIEW } from '../view.ts';
import type { Deletions } from './deletions.ts';
import { NEWEST } from './tables.ts';

/**
 * The tables without the rows that the passes delete which were added to a preview before. `prepare` adds a statement that must
 * run before a condition is evaluated.
 */
export function createPreviewView(
  connection: Connection,
  options: ViewOptions,
  deletions: Deletions,
  prepare: (step: RawBuilder<unknown>) => void,
): View {
  let lists = 0;
  return {
    ...createView(VIEW, connection, options, deletions.seen),
    // Rows of the pass itself are judged all at once: see `addDeleted`.
    isNotChained: () => undefined,

    /** Nothing of a group is deleted either if earlier passes delete some of its newest rows. */
    isNotKept(expiry) {
      const { table, key, retentions } = expiry;
      if (key === null) return toCondition(sql`true`);
      lists += 1;
      const list = lists;
      prepare(sql`
        insert into ${NEWEST} (number, location, retention_index, group_key)
        select ${list}, n.location, n.retention_index, n.group_key from (${selectNewest(expiry)}) as n`);
      const count = keepCount(retentions);
      // The group is of the outer row: in its own select nothing else is called `t` yet.
      return toCondition(sql`(
        not exists (select 1 from ${NEWEST} as newest where newest.number = ${list} and newest.location = t.rowid)
        and (${count} = 0 or (
          select count(*)
          from ${NEWEST} as newest
          join ${tableAs(table, 'k')} on k.rowid = newest.location
          where
            newest.number = ${list} and newest.retention_index = ${retentionIndex(retentions)}
            and newest.group_key = ${groupKey(retentions)} and ${deletions.seen.isThere(table, 'k')}
        ) >= ${count})
      )`);
    },

    isStale: (pointer) => toCondition(isStale(deletions.seen, pointer, deletions.pointerValue(pointer))),
  };
}
