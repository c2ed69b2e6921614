import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { castArrayTo, columnOf, tableOf } from './names.ts';
import { isAt } from './places.ts';
import type { Recording } from './recording.ts';
import { recordedFromGone, returningPaths } from './recording.ts';
import type { Span } from './span.ts';
import { returningAge, spanOfGone } from './span.ts';
import type { Tx } from './transaction.ts';

/** What a delete removed. */
export interface Removed {
  readonly rows: number;
  /** For each column asked for, its distinct values among the rows removed, without null. */
  readonly groups: readonly (readonly string[])[];
  /** From when to when the rows are; null where nobody asks. */
  readonly span: Span | null;
}

/** Deletes rows by place, where they still qualify. */
export async function deletePlaces(
  tx: Tx,
  table: TableName,
  places: readonly string[],
  where: RawBuilder<boolean>,
  groups: readonly ColumnName[] = [],
  recording?: Recording,
  aged?: RawBuilder<unknown>,
): Promise<Removed> {
  if (places.length === 0) return { rows: 0, groups: groups.map(() => []), span: null };
  const statement = sql`
    delete from ${tableOf(table)} as t
    where ${isAt(places)} and ${where}`;
  return remove(tx, statement, groups, recording, aged);
}

/** Whether a row at a place still qualifies, in a statement of its own: what changed before it was locked is seen. */
export async function stillQualifies(
  tx: Tx,
  table: TableName,
  place: string,
  where: RawBuilder<boolean>,
): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from ${tableOf(table)} as t where t.ctid = ${place}::tid and ${where}
    ) as found`.execute(tx);
  return rows[0]?.found === true;
}

/** Rows that belong to some keys without a foreign key. */
export interface OwnedRows {
  readonly table: TableName;
  readonly by: ColumnName;
  /** The keys, as one bound array: 35 ms for 200 keys where a join with a list of them took 411 ms. */
  readonly keys: readonly string[];
  /** The most rows to delete; undefined for all. */
  readonly limit?: number | undefined;
  /** Over alias `t`: those that no hold keeps; undefined where there are no holds. */
  readonly free?: RawBuilder<boolean> | undefined;
}

/** Locks the rows that belong to some keys, for what must go before them. Answers their own keys. */
export async function lockOwned(
  tx: Tx,
  { table, by, keys, limit, free }: OwnedRows,
  key: ColumnName,
): Promise<string[]> {
  if (keys.length === 0) return [];
  const { rows } = await sql<{ key: string }>`
    select ${columnOf('t', key)}::text as key
    from ${tableOf(table)} as t
    where ${ownedBy({ by, keys, free })}
    limit ${limit ?? null}
    for update of t`.execute(tx);
  return rows.map((row) => row.key);
}

/** Deletes the rows that belong to some keys. */
export async function deleteOwned(
  tx: Tx,
  { table, by, keys, limit, free }: OwnedRows,
  groups: readonly ColumnName[] = [],
  recording?: Recording,
): Promise<Removed> {
  if (keys.length === 0) return { rows: 0, groups: groups.map(() => []), span: null };
  const owned = ownedBy({ by, keys, free });
  const some =
    limit === undefined
      ? sql`true`
      : sql`t.ctid = any(array(select t.ctid from ${tableOf(table)} as t where ${owned} limit ${limit}))`;
  return remove(tx, sql`delete from ${tableOf(table)} as t where ${owned} and ${some}`, groups, recording);
}

function ownedBy({ by, keys, free }: Pick<OwnedRows, 'by' | 'keys' | 'free'>): RawBuilder<boolean> {
  const named = sql<boolean>`${columnOf('t', by)} = any(${castArrayTo(keys, by.type)})`;
  return free === undefined ? named : sql`${named} and ${free}`;
}

async function remove(
  tx: Tx,
  statement: RawBuilder<unknown>,
  groups: readonly ColumnName[],
  recording: Recording | undefined,
  aged?: RawBuilder<unknown>,
): Promise<Removed> {
  if (groups.length === 0 && recording === undefined && aged === undefined) {
    const result = await statement.execute(tx);
    return { rows: Number(result.numAffectedRows ?? 0), groups: [], span: null };
  }
  const returned = groups.map((group, n) => sql`${columnOf('t', group)}::text as ${sql.id(`g${n}`)}`);
  const distinct = groups.map((_, n) => {
    const group = sql.id(`g${n}`);
    return sql`array(select distinct ${group} from gone where ${group} is not null)`;
  });
  const { rows } = await sql<Removed>`
    with gone as (${statement} returning ${sql.join([sql`1 as one`, ...returned])}${returningAge(aged)}${returningPaths(recording)})${recordedFromGone(recording)}
    select
      (select count(*)::int from gone) as rows,
      to_jsonb(array[${sql.join(distinct.map((values) => sql`to_jsonb(${values})`))}]::jsonb[]) as groups,
      ${spanOfGone(aged)}`.execute(tx);
  return rows[0] as Removed;
}
