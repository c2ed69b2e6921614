import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { KeepLastExpiry, StoredRetention, StoredKeep } from '../../stored/expiry.ts';
import { bindPredicate } from '../bind-predicate.ts';
import { caseByRetention } from '../case-by-retention.ts';
import { selects } from '../needs-locks.ts';
import type { ViewSql } from '../sql-view.ts';
import type { KeepLastList } from '../view.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { ageExpression } from './expiry.ts';
import { baseType, columnRef, isHashed, tableRef, asComparable, qualifiedName } from './identifiers.ts';

/**
 * The newest rows of each group, which stay: `location`, `key` as text, `group_key` the group as text, `retention_index`
 * the number of the retention that keeps them.
 */
export function selectNewest(expiry: KeepLastExpiry): RawBuilder<unknown> {
  const { table, retentions, where, ages, key } = expiry;
  if (key === null) throw new Error('rows without a key cannot be kept');
  const index = retentionIndex(retentions);
  const count = caseByRetention(retentions, ({ keep }) => sql`${keep?.count ?? 0}::int`);
  const age = ageExpression('t', ages);
  return sql`
    select n.location, n.key, n.group_key, n.retention_index
    from (
      select
        t.ctid as location,
        ${columnRef('t', key)}::text as key,
        e.group_key,
        e.retention_index,
        e.count,
        row_number() over (partition by e.retention_index, e.group_key order by ${age} desc, ${columnRef('t', key)} desc) as nth
      from ${tableRef(table)} as t
      cross join lateral (select ${index} as retention_index, ${count} as count, ${groupKey(retentions)} as group_key) as e
      where ${bindPredicate(where)} and ${age} is not null and e.count > 0
    ) as n
    where n.nth <= n.count`;
}

/** Over alias `t`: the row is none of those that stay. */
export const isNotKept: ViewSql<Connection>['isNotKept'] = (connection, { key, retentions }, list) => {
  if (key === null) return sql`true`;
  return sql`(
    select ${asComparable(sql`${columnRef('t', key)}::text`, key.type)} <> all(${asComparable(sql`k.keys`, key.type, '[]')})
    from ${ledgerTable(connection, 'kept')} as k
    where ${isOfList(list)} and k.retention_index = ${retentionIndex(retentions)} and k.group_key = ${groupKey(retentions)}
  ) is not false`;
};

/** Over alias `t`: the row is none of the newest of its group. Reads the whole table. */
export const isNotNewest: ViewSql<Connection>['isNotNewest'] = (expiry) => {
  return sql`not exists (select from (${selectNewest(expiry)}) as newest where newest.location = t.ctid)`;
};

/**
 * Over alias `t`: as many rows of the row's group as are to stay are there and still match. If some of them were deleted
 * or came back to life since the run started, nothing of the group is deletable.
 */
export const isGroupFull: ViewSql<Connection>['isGroupFull'] = (connection, expiry, list) => {
  const { retentions } = expiry;
  // The group is of the outer row: in its own select nothing else is called `t` yet.
  return sql<boolean>`(
    select g.group_key is null or exists (
      select from ${ledgerTable(connection, 'kept')} as k
      where ${isOfList(list)} and k.retention_index = g.retention_index and k.group_key = g.group_key and ${isGroupFullSql(expiry)}
    )
    from (select ${retentionIndex(retentions)} as retention_index, ${groupKey(retentions)} as group_key) as g
  )`;
};

/** Over alias `k` of the list: it is of this pass of this run. */
export function isOfList({ run, pass }: KeepLastList): RawBuilder<boolean> {
  return sql`k.run_id = ${run}::int and k.pass = ${pass}::int`;
}

/** A select of the list as it is when a run starts. */
export function selectKeptGroups(expiry: KeepLastExpiry): RawBuilder<unknown> {
  return sql`
    select
      n.retention_index, n.group_key, array_agg(n.key) as keys, array_agg(n.location) as tids,
      ${tableFile(expiry.table)} as file,
      ${oldestOpenTransaction()} as oldest_xid
    from (${selectNewest(expiry)}) as n
    group by n.retention_index, n.group_key`;
}

/**
 * The oldest transaction that is open, or the next one. Not the snapshot's `xmin`: that is at the most our own
 * transaction, and rows that others wrote since it started would all count as changed.
 */
function oldestOpenTransaction(): RawBuilder<unknown> {
  return sql`coalesce(
    (select x from pg_snapshot_xip(pg_current_snapshot()) as x order by x limit 1),
    pg_snapshot_xmax(pg_current_snapshot())
  )`;
}

/** Over alias `k` of the list: how many rows of the group are to stay. */
export function keepCount({ retentions }: Pick<KeepLastExpiry, 'retentions'>): RawBuilder<number> {
  return sql`(${retentions.map(({ keep }) => keep?.count ?? 0)}::int[])[k.retention_index + 1]`;
}

/** Over alias `k` of the list: as many rows of a group as are to stay are there and still match. */
export function isGroupFullSql(expiry: KeepLastExpiry): RawBuilder<boolean> {
  const { table, key, where, ages, retentions } = expiry;
  if (key === null) return sql`true`;
  return sql`(
    select count(*)
    from unnest(k.keys) as u(key)
    join ${tableRef(table)} as t on ${columnRef('t', key)} = u.key::${sql.raw(key.type)}
    where
      ${bindPredicate(where)}
      and ${ageExpression('t', ages)} is not null
      and ${retentionIndex(retentions)} = k.retention_index
      and ${groupKey(retentions)} = k.group_key
  ) >= ${keepCount(expiry)}`;
}

/**
 * Over alias `t`, a row at a location of alias `k` of the list, in the same file: it is the row that lay there when the run
 * started, unchanged, and so matches as it did then. Whatever came to the location since was written by a transaction
 * that was open at that moment or started later.
 */
export function isUnchangedRow(): RawBuilder<boolean> {
  return sql`age(t.xmin) > age(k.oldest_xid::xid)`;
}

/**
 * Over alias `k` of the list: rows that are unchanged still match. A condition with a select may change although no row
 * does; a rewrite of the table moves rows; and rows have 32 bits of the number of their transaction, which can be compared
 * as long as few transactions came since.
 */
export function isProvenByRows(expiry: KeepLastExpiry): RawBuilder<boolean> {
  if (selects(expiry)) return sql`false`;
  return sql`k.file is not distinct from ${tableFile(expiry.table)}
    and pg_snapshot_xmax(pg_current_snapshot())::text::numeric - k.oldest_xid::text::numeric < 1000000000`;
}

function tableFile(table: TableName): RawBuilder<unknown> {
  return sql`pg_relation_filenode(to_regclass(${qualifiedName(table)}))`;
}

/** Over alias `t`: the number of the retention that counts for the row. */
export function retentionIndex(retentions: readonly StoredRetention[]): RawBuilder<unknown> {
  return caseByRetention(retentions, (_, n) => sql`${n}::int`);
}

/** Over alias `t`: the group of the row as text, by the retention that counts for it; null if that keeps none. */
export function groupKey(retentions: readonly StoredRetention[]): RawBuilder<unknown> {
  return caseByRetention(retentions, ({ keep }) => (keep === null ? sql`null` : groupText(keep)));
}

/**
 * A group as text. Values that are equal and not written alike, like 1.0 and 1.00, are one group: of their types, and of those
 * whose text depends on the session, two hashes stand in the text. They tell apart what the type tells apart, but for one
 * pair in 2^128.
 */
function groupText({ per }: StoredKeep): RawBuilder<unknown> {
  const parts = per.flatMap((column) => {
    const value = columnRef('t', column);
    if (column.collation === undefined && !isHashed(column.type)) return [value];
    // The cast makes a domain what it is made of, which has the hash.
    const row = sql`row(${value}::${baseType(column.type)})`;
    return [
      sql`${value} is null`,
      ...[0, 1].map((seed) => sql`hash_record_extended(${row}, ${sql.lit(seed)})`),
    ];
  });
  // Sorted and compared byte by byte: a million groups by the rules of a language take seconds.
  return sql`(row(${sql.join(parts)})::text collate "C")`;
}
