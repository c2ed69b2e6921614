import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { RowTree, StoredBlocker } from '../stored/row-tree.ts';
import type { TableAs } from './join-path.ts';
import { joinPath, references } from './join-path.ts';

/** Blockers by rows that the pass does not delete. */
export function listOuter({ blockers = [] }: Pick<RowTree, 'blockers'>): readonly StoredBlocker[] {
  return blockers.filter(({ ways }) => ways.length === 0);
}

/** Blockers by rows that the pass may delete too. */
export function listInner({ blockers = [] }: Pick<RowTree, 'blockers'>): readonly StoredBlocker[] {
  return blockers.filter(({ ways }) => ways.length > 0);
}

/**
 * `from ... where` of the rows, alias `b`, that reference a row of alias `t` or what is deleted along with it. `source` gives
 * the table of the rows that reference, if it is not the table as it is.
 */
export function blockingRows(
  { path, reference }: StoredBlocker,
  tableAs: TableAs,
  source: TableAs = tableAs,
): { readonly from: RawBuilder<unknown>; readonly where: RawBuilder<boolean> } {
  const { tables, where, end } = joinPath(path, 't', 'p', tableAs);
  return {
    from: sql.join([...tables, source(reference.table, 'b')]),
    where: sql<boolean>`${sql.join([...where, references('b', end, reference)], sql` and `)}`,
  };
}

/** `blocked`, after `edge`: those of the rows `among` that a row which stays references, directly or through others. */
export function blockedSql(among: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    blocked (location) as (
      select e.down from edge as e
      where e.up is null or not exists (select 1 from ${among} as x where x.location = e.up)
      union
      select e.down from blocked as x join edge as e on e.up = x.location
    )`;
}
