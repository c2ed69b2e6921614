import { sql } from 'kysely';

import type { FrozenPass } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import type { HeldRows } from '../sql/holds.ts';
import { heldRows } from '../sql/holds.ts';
import { tableOf } from '../sql/names.ts';
import type { Tx } from '../sql/transaction.ts';
import type { Asked } from './condition.ts';

/**
 * From when no hold keeps a row that holds keep now, if none is added: the latest end of those that are about it, or about
 * what would go along with it. Null where one of them has no end.
 *
 * By the condition itself, on the holds that are left at each end: fewer and fewer, so that halving finds the first.
 */
export async function findHoldEnd(
  tx: Tx,
  frozen: FrozenPass,
  place: string,
  asked: Asked,
): Promise<string | null> {
  const { table } = asked.holds;
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
    if (await isFreeFrom(tx, frozen, place, asked, rows[middle]?.until ?? '')) high = middle;
    else low = middle + 1;
  }
  return rows[low]?.until ?? null;
}

async function isFreeFrom(
  tx: Tx,
  frozen: FrozenPass,
  place: string,
  asked: Asked,
  from: string,
): Promise<boolean> {
  const work = workOf(frozen.kind);
  if (!('explain' in work)) return true;
  const { table } = asked.holds;
  const { rows: left } = await sql<{ held: HeldRows[] }>`
    select ${heldRows(table, from)} as held`.execute(tx);
  const holds = { table, rows: left[0]?.held ?? [], from };
  const { parts } = work.explain(frozen, { ...asked, holds });
  const free = parts.find(({ why }) => why === 'held')?.holds;
  if (free === undefined) return true;
  const { rows } = await sql<{ free: boolean }>`
    select (${free}) is true as free
    from ${tableOf(frozen.table)} as t
    where t.ctid = ${place}::tid`.execute(tx);
  return rows[0]?.free === true;
}
