import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { castArrayTo, columnOf, tableOf } from './names.ts';
import type { PageRange } from './page-range.ts';
import { inRange } from './page-range.ts';
import type { Picked } from './picked.ts';
import { lockCandidates, readPicked } from './picked.ts';
import { keyText } from './swept.ts';
import type { Tx } from './transaction.ts';

/** Rows that name a parent, of which those whose parent is gone are meant. */
export interface Orphaned {
  readonly table: TableName;
  readonly by: ColumnName;
  readonly parent: TableName;
  readonly parentKey: ColumnName;
  /** Past the grace period and with a parent named, over alias `t`. */
  readonly where: RawBuilder<boolean>;
  /** Either some keys or a range of pages. */
  readonly among: { readonly keys: readonly string[] } | { readonly pages: PageRange };
}

/**
 * Deletes orphaned rows in one statement. Waits where a row is locked.
 *
 * Parents are looked up once a distinct key and not once a row, and never by reading all parents: that plan, which
 * the planner may choose for `not exists` on the rows, would be paid again in each batch.
 */
export async function deleteOrphaned(tx: Tx, orphaned: Orphaned, limit?: number): Promise<number> {
  const table = tableOf(orphaned.table);
  const matches = rowsOf(orphaned);
  const some =
    limit === undefined
      ? sql`true`
      : sql`t.ctid = any(array(select t.ctid from orphan as o join ${table} as t on ${matches} limit ${limit}))`;
  const result = await sql`
    with ${orphanOf(orphaned)}
    delete from ${table} as t
    using orphan as o
    where ${matches} and ${some}`.execute(tx);
  return Number(result.numAffectedRows ?? 0);
}

/** Finds orphaned rows, in physical order, and locks those that nobody else has locked. */
export async function pickOrphaned(tx: Tx, orphaned: Orphaned, limit: number): Promise<Picked> {
  const table = tableOf(orphaned.table);
  const { rows } = await sql`
    with ${orphanOf(orphaned)},
    candidate as materialized (
      select t.ctid as place, row_number() over (order by t.ctid) as nth
      from orphan as o
      join ${table} as t on ${rowsOf(orphaned)}
      order by t.ctid
      limit ${limit}
    ),
    ${lockCandidates(orphaned.table, keyText(orphaned.by), orphaned.where)}`.execute(tx);
  return readPicked(rows[0]);
}

/**
 * Over alias `t`: the row's parent does not exist. A look-up of one row and not `not exists`, which the planner may answer
 * from a hash of all parents.
 */
export function hasNoParent({ by, parent, parentKey }: Omit<Orphaned, 'among'>): RawBuilder<boolean> {
  return sql`(
    select true
    from ${tableOf(parent)} as parent
    where ${columnOf('parent', parentKey)} = ${columnOf('t', by)}
    limit 1
  ) is null`;
}

/** `orphan`: the distinct keys whose parent does not exist. */
function orphanOf({ among, by, parent, parentKey, table, where }: Orphaned): RawBuilder<unknown> {
  const keys =
    'keys' in among
      ? sql`select key from unnest(${castArrayTo(among.keys, by.type)}) as u(key)`
      : sql`select distinct ${columnOf('t', by)} as key
            from ${tableOf(table)} as t
            where ${inRange(among.pages)} and ${where}`;
  return sql`
    named as materialized (${keys}),
    orphan as materialized (
      select n.key
      from named as n
      where not exists (
        select from ${tableOf(parent)} as parent
        where ${columnOf('parent', parentKey)} = n.key
      )
    )`;
}

function rowsOf({ among, by, where }: Orphaned): RawBuilder<boolean> {
  const range = 'pages' in among ? inRange(among.pages) : sql<boolean>`true`;
  return sql`${columnOf('t', by)} = o.key and ${where} and ${range}`;
}
