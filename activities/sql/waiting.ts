import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Waiting } from '../backlog/backlog.ts';
import type { ColumnName, TableName } from './names.ts';
import { castTo, columnOf, tableOf } from './names.ts';
import { ageOf } from './retention.ts';
import { secondsSince, toFiniteAge } from './sample.ts';

/** Rows that wait, and how old the oldest is. */
export interface WaitingRows {
  readonly rows: number;
  /** Null where there is none or the age is not known. */
  readonly oldestSeconds: number | null;
}

/** The same from the begin of an index on the age. */
export interface RowsByAge extends WaitingRows {
  /** All rows that may wait were looked at. */
  readonly complete: boolean;
}

/** Counts the rows that wait. Reads the whole table where no index helps. */
export async function countWaiting(
  db: Kysely<unknown>,
  table: TableName,
  waiting: Waiting,
): Promise<WaitingRows> {
  const { rows } = await sql<WaitingRows>`
    select count(*)::float8 as rows, ${secondsSince(sql`min(${waitingSince(waiting) ?? sql`null::timestamptz`})`)} as "oldestSeconds"
    from ${tableOf(table)} as t
    where ${waiting.where}`.execute(db);
  return readRow(rows[0]);
}

/** Looks at so many of the oldest rows by the index on the age. */
export async function findOldestWaiting(
  db: Kysely<unknown>,
  table: TableName,
  waiting: Waiting,
  age: ColumnName,
  until: string,
  entries: number,
): Promise<RowsByAge> {
  const { rows } = await sql<WaitingRows & { entries: number }>`
    select
      count(*)::float8 as entries,
      count(*) filter (where e.waits)::float8 as rows,
      ${secondsSince(sql`min(e.age) filter (where e.waits)`)} as "oldestSeconds"
    from (
      select ${waiting.where} as waits, ${columnOf('t', age)} as age
      from ${tableOf(table)} as t
      where ${columnOf('t', age)} < ${castTo(until, age.type)}
      order by ${columnOf('t', age)}
      limit ${entries}
    ) as e`.execute(db);
  return { ...readRow(rows[0]), complete: (rows[0]?.entries ?? 0) < entries };
}

/** Over alias `t`: since when the row waits; undefined if nobody knows. */
export function waitingSince({ age }: Waiting): RawBuilder<unknown> | undefined {
  return age === null ? undefined : ageOf('t', age.columns);
}

function readRow(row: WaitingRows | undefined): WaitingRows {
  return { rows: row?.rows ?? 0, oldestSeconds: toFiniteAge(row?.oldestSeconds ?? null) };
}
