import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { KeepLastExpiry, StoredRetention } from '../../stored/expiry.ts';
import { bindPredicate } from '../bind-predicate.ts';
import { caseByRetention } from '../case-by-retention.ts';
import type { ViewSql } from '../sql-view.ts';
import type { KeepLastList } from '../view.ts';
import type { Connection } from './connection.ts';
import { ledgerTable } from './connection.ts';
import { ageExpression, ageMillis } from './expiry.ts';
import { columnRef, compareKey, keyText, tableRef } from './identifiers.ts';

/**
 * The newest rows of each group, which stay: `location`, `key` as text, `group_key` the group as text, `retention_index`
 * the number of the retention that keeps them. A row whose age has another form than the column's is none of them, and
 * stays anyway.
 */
export function selectNewest(expiry: KeepLastExpiry): RawBuilder<unknown> {
  const { table, retentions, where, ages, key } = expiry;
  if (key === null) throw new Error('rows without a key cannot be kept');
  return sql`
    select n.location, n.key, n.group_key, n.retention_index
    from (
      select
        e.*,
        row_number() over (
          partition by e.retention_index, e.group_key
          order by e.age desc, e.own_key desc
        ) as nth
      from (
        select
          t.rowid as location,
          ${keyText(key, 't')} as key,
          ${columnRef('t', key)} as own_key,
          ${ageExpression('t', ages)} as age,
          ${groupKey(retentions)} as group_key,
          ${retentionIndex(retentions)} as retention_index,
          ${keepCount(retentions)} as count
        from ${tableRef(table)} as t
        where ${bindPredicate(where)} and ${ageMillis('t', ages)} is not null
      ) as e
      where e.count > 0
    ) as n
    where n.nth <= n.count`;
}

/** Over alias `t`: the row is none of those that stay, by the list of a run. */
export const isNotKept: ViewSql<Connection>['isNotKept'] = (connection, { key, retentions }, list) => {
  if (key === null) return sql`true`;
  return sql`not exists (
    select 1
    from ${ledgerTable(connection, 'kept')} as k
    where
      ${isOfList(list)}
      and k.retention_index = ${retentionIndex(retentions)}
      and k.group_key = ${groupKey(retentions)}
      and k.key = ${keyText(key, 't')}
  )`;
};

/** Over alias `t`: the row is none of the newest of its group. Reads the whole table, once a statement. */
export const isNotNewest: ViewSql<Connection>['isNotNewest'] = (expiry) => {
  return sql`t.rowid not in (select newest.location from (${selectNewest(expiry)}) as newest)`;
};

/**
 * Over alias `t`: as many rows of the row's group as are to stay are there and still match. If some of them were deleted
 * or came back to life since the run started, nothing of the group is deletable.
 */
export const isGroupFull: ViewSql<Connection>['isGroupFull'] = (
  connection,
  { table, key, where, ages, retentions },
  list,
) => {
  if (key === null) return sql`true`;
  const counts = retentions.map(({ keep }, n) => sql`when ${n} then ${keep?.count ?? 0}`);
  // The group is of the outer row: in its own select nothing else is called `t` yet.
  return sql<boolean>`(
    select g.group_key is null or (
      select count(*)
      from ${ledgerTable(connection, 'kept')} as k
      join ${tableRef(table)} as t on ${compareKey(key, 't', '=', sql`k.key`)}
      where
        ${isOfList(list)} and k.retention_index = g.retention_index and k.group_key = g.group_key
        and ${bindPredicate(where)}
        and ${ageMillis('t', ages)} is not null
        and ${retentionIndex(retentions)} = g.retention_index
        and ${groupKey(retentions)} = g.group_key
    ) >= case g.retention_index ${sql.join(counts, sql` `)} end
    from (select ${retentionIndex(retentions)} as retention_index, ${groupKey(retentions)} as group_key) as g
  )`;
};

/** Over alias `k` of the list: it is of this pass of this run. */
function isOfList({ run, pass }: KeepLastList): RawBuilder<boolean> {
  return sql`k.run_id = ${run} and k.pass = ${pass}`;
}

/** Over alias `t`: the number of the retention that counts for the row. */
export function retentionIndex(retentions: readonly StoredRetention[]): RawBuilder<unknown> {
  return caseByRetention(retentions, (_, n) => sql`${n}`);
}

/** Over alias `t`: how many rows of the row's group stay. */
export function keepCount(retentions: readonly StoredRetention[]): RawBuilder<unknown> {
  return caseByRetention(retentions, ({ keep }) => sql`${keep?.count ?? 0}`);
}

/** Over alias `t`: the group of the row as text, by the retention that counts for it; null if that keeps none. */
export function groupKey(retentions: readonly StoredRetention[]): RawBuilder<unknown> {
  return caseByRetention(retentions, ({ keep }) => {
    if (keep === null) return sql`null`;
    const parts = keep.per.map((column) => groupText(columnRef('t', column)));
    return parts.length === 0 ? sql`'all'` : sql`(${sql.join(parts, sql` || ',' || `)})`;
  });
}

/** A value of a group as text. Of a text with a zero byte, `quote` would only write what stands before it. */
function groupText(value: RawBuilder<unknown>): RawBuilder<string> {
  return sql`iif(
    typeof(${value}) = 'text' and instr(${value}, char(0)) > 0, 'text ' || hex(${value}), quote(${value})
  )`;
}
