import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { HeldRows, Holds } from '../sql/holds.ts';
import { heldRows } from '../sql/holds.ts';
import type { TableName } from '../sql/names.ts';
import { tableOf } from '../sql/names.ts';
import type { Tx } from '../sql/transaction.ts';

/** A row, and the condition that no hold keeps it, by some holds; undefined where none of them is about it. */
export interface HeldRow {
  readonly table: TableName;
  readonly place: string;
  readonly free: (holds: Holds) => RawBuilder<boolean> | undefined;
}

/**
 * From when no hold keeps a row that holds keep now, if none is added: the latest end of those that are about it, or about
 * what would go along with it. Null where one of them has no end.
 *
 * By the condition itself, on the holds that are left at each end: fewer and fewer, so that halving finds the first.
 */
export async function findHoldEnd(tx: Tx, { table }: Holds, row: HeldRow): Promise<string | null> {
  const { rows } = await sql<{ until: string }>`
    select to_json(h.until) #>> '{}' as until
    from ${table} as h
    where h.until > now() and h.until < 'infinity'
    group by h.until
    order by h.until`.execute(tx);
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await isFreeFrom(tx, table, rows[middle]?.until ?? '', row)) high = middle;
    else low = middle + 1;
  }
  return rows[low]?.until ?? null;
}

async function isFreeFrom(
  tx: Tx,
  holdTable: Holds['table'],
  from: string,
  { table, place, free }: HeldRow,
): Promise<boolean> {
  const { rows: left } = await sql<{ held: HeldRows[] }>`
    select ${heldRows(holdTable, from)} as held`.execute(tx);
  const isFree = free({ rows: left[0]?.held ?? [], table: holdTable, from });
  if (isFree === undefined) return true;
  const { rows } = await sql<{ free: boolean }>`
    select (${isFree}) is true as free
    from ${tableOf(table)} as t
    where t.ctid = ${place}::tid`.execute(tx);
  return rows[0]?.free === true;
}
