import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ParentReference } from '../../stored/row-tree.ts';
import type { Shard } from '../../stored/scan.ts';
import { toSql } from '../condition.ts';
import { hasNoParent } from '../references.ts';
import type { LockedRows, OrphanRange, OrphanTarget, ScanStep } from '../scan.ts';
import { continueAt, endShard } from '../shard-end.ts';
import type { Connection } from './connection.ts';
import {
  columnRef,
  compareKey,
  hasPlainText,
  isKey,
  keyText,
  locationText,
  tableRef,
} from './identifiers.ts';
import type { RowidRange } from './scan-by-location.ts';
import { endOfRowids, findRowids, isInRowids } from './scan-by-location.ts';
import { readKey, toKeyCursor, toRowidCursor } from './scan-cursor.ts';
import { VIEW } from './view.ts';

type KeyShard = Shard & { readonly scan: 'by-parent-key' };

/** A statement reads no more distinct keys than this. */
const MAX_KEYS = 4096;

/** Finds where the next orphans lie. */
export async function findOrphans(
  connection: Connection,
  target: OrphanTarget,
  step: ScanStep,
): Promise<OrphanRange> {
  const { shard } = step;
  if (shard.scan === 'by-location') {
    const rows = step.limit * step.readFactor;
    const range = await findRowids(connection, target.table, shard, step, rows);
    return { ...endOfRowids(range), among: { range }, isEmpty: false };
  }
  if (shard.scan !== 'by-parent-key') throw new Error(`orphans cannot be scanned ${shard.scan}`);
  return findOrphanKeys(connection, target, shard, step);
}

/** Deletes the orphans of a range. */
export async function deleteOrphans(
  connection: Connection,
  target: OrphanTarget,
  range: OrphanRange,
  limit?: number,
): Promise<number> {
  const table = tableRef(target.table);
  const where = isOrphan(target, range);
  const some =
    limit === undefined
      ? where
      : sql`t.rowid in (select t.rowid from ${table} as t where ${where} limit ${limit}) and ${where}`;
  const { changes } = await connection.run(sql`delete from ${table} as t where ${some}`);
  return changes;
}

/** Finds the orphans of a range, in physical order. The transaction has the write lock. */
export async function lockOrphans(
  connection: Connection,
  target: OrphanTarget,
  range: OrphanRange,
  limit: number,
): Promise<LockedRows> {
  const { rows } = await connection.run(sql<{ location: string; key: string | null }>`
    select ${locationText('t')} as location, ${keyText(target.by, 't')} as key
    from ${tableRef(target.table)} as t
    where ${isOrphan(target, range)}
    order by t.rowid
    limit ${limit}`);
  const locations = rows.map(({ location }) => location);
  const locked = {
    locations,
    keys: rows.map(({ key }) => key),
    candidates: rows.length,
    ranks: rows.map((_, n) => n + 1),
  };
  const rowids = readRange(range);
  if (rowids === undefined) {
    const { cursor, done } = range;
    return { ...locked, cursorAfter: () => cursor, end: { cursor, done } };
  }
  const last = locations.at(-1);
  return {
    ...locked,
    cursorAfter: (row) => toRowidCursor(locations[row]),
    end: rows.length < limit || last === undefined ? endOfRowids(rowids) : continueAt(toRowidCursor(last)),
  };
}

/** Over alias `t`: the row is an orphan of the range. */
function isOrphan(target: OrphanTarget, range: OrphanRange): RawBuilder<boolean> {
  const rowids = readRange(range);
  const isInRange =
    rowids === undefined
      ? isKey(target.by, 't', 'keys' in range.among ? range.among.keys : [])
      : isInRowids(rowids);
  return sql`(${isInRange} and ${toSql(target.where)} and ${hasNoParent(VIEW.live, target)})`;
}

function readRange({ among }: OrphanRange): RowidRange | undefined {
  return 'range' in among ? (among.range as RowidRange) : undefined;
}

/** A distinct key in the order of the scan, and the rows of all orphaned keys before it. */
interface KeyStep {
  readonly key: string | null;
  readonly before: number;
}

/**
 * Steps from distinct key to distinct key, one seek in the index a key, looks each up among the parents, and stops once the
 * orphaned ones own enough rows. Each step counts the rows of the key before it.
 */
async function findOrphanKeys(
  connection: Connection,
  target: OrphanTarget,
  shard: KeyShard,
  { cursor, limit, readFactor }: ScanStep,
): Promise<OrphanRange> {
  const after = readKey(cursor) ?? shard.after;
  const count = Math.max(64, Math.min(Math.floor(limit * readFactor), MAX_KEYS));
  const { by, table, parent, parentKey, where } = target;
  const own = columnRef('t', by);
  const until = shard.until === null ? sql`true` : compareKey(by, 't', '<=', shard.until);
  const first = after === null ? sql`${own} is not null` : compareKey(by, 't', '>', after);
  const rowsOfKey = sql`case
    when exists (select 1 from ${tableRef(parent)} as parent where ${columnRef('parent', parentKey)} = s.key) then 0
    else (
      select count(*)
      from (select 1 from ${tableRef(table)} as t where ${own} = s.key and ${toSql(where)} limit ${limit})
    )
  end`;
  const { rows } = await connection.run(sql<KeyStep>`
    with recursive step (key, nth, before) as (
      select (select min(${own}) from ${tableRef(table)} as t where ${first} and ${until}), 1, 0
      union all
      select
        (select min(${own}) from ${tableRef(table)} as t where ${own} > s.key and ${until}),
        s.nth + 1,
        s.before + ${rowsOfKey}
      from step as s
      where s.key is not null and s.nth <= ${count} and s.before < ${limit}
    )
    select ${hasPlainText(by) ? sql`cast(key as text)` : sql`key`} as key, before from step order by nth`);
  const known = rows.slice(0, -1).map(({ key, before }, n) => {
    const total = rows[n + 1]?.before ?? before;
    return { key: key ?? '', total, rows: total - before };
  });
  const taken = known.filter(({ total }) => total <= limit);
  const isEnd = taken.length === known.length && rows.at(-1)?.key === null;
  const keys = taken.filter((one) => one.rows > 0).map(({ key }) => key);
  const isOversized = known.some((one) => one.rows === limit && one.total === limit);
  return {
    ...(isEnd ? endShard() : continueAt(toKeyCursor(taken.at(-1)?.key ?? after))),
    among: { keys },
    isEmpty: keys.length === 0,
    ...(isOversized ? { oversized: { cursor: toKeyCursor(taken.at(-2)?.key ?? after) } } : {}),
  };
}

/** Over alias `t`: the row's key lies between two positions of a shard; no row does if the scan has not moved. */
export function isBetweenKeys(
  { by }: Pick<ParentReference, 'by'>,
  shard: KeyShard,
  from: string | undefined,
  to: string | undefined,
  done: boolean,
): RawBuilder<boolean> {
  const start = from ?? shard.after;
  const end = done ? shard.until : (to ?? start);
  const after = start === null ? sql`true` : compareKey(by, 't', '>', start);
  const upTo = end === null ? (done ? sql`true` : sql`false`) : compareKey(by, 't', '<=', end);
  return sql`(${after} and ${upTo})`;
}
