import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Waiting } from '../backlog/backlog.ts';
import type { ColumnName, TableName } from './names.ts';
import { castTo, columnOf, tableOf } from './names.ts';
import { ageOf } from './retention.ts';
import { SAMPLE_PAGES } from './sample.ts';

/** Rows that wait, and how old the oldest is. */
export interface WaitingRows {
  readonly rows: number;
  /** Null where there is none or the age is not known. */
  readonly oldestSeconds: number | null;
}

/** The same from some pages of the table, extrapolated. */
export interface SampledRows extends WaitingRows {
  /** The standard error of `rows`; 0 where all pages were read. */
  readonly error: number;
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
    select count(*)::float8 as rows, ${secondsSince(sql`min(${ageIn(waiting)})`)} as "oldestSeconds"
    from ${tableOf(table)} as t
    where ${waiting.where}`.execute(db);
  return finite(rows[0]);
}

/**
 * Counts the rows that wait on some random pages. Pages are taken independently of each other, so that the error is
 * known: the variance of such a sum is estimated by the squares of what each page has.
 */
export async function sampleWaiting(
  db: Kysely<unknown>,
  table: TableName,
  pages: number,
  waiting: Waiting,
): Promise<SampledRows> {
  const part = Math.min(1, SAMPLE_PAGES / Math.max(1, pages));
  // In the list of columns the condition stays a look-up for each row: a join might read all of another table.
  const { rows } = await sql<WaitingRows & { squares: number }>`
    with s as materialized (
      select ${waiting.where} as waits, t.ctid as place, ${ageIn(waiting)} as age
      from ${tableOf(table)} as t tablesample system (${100 * part})
    ),
    page as (
      select count(*) as rows, min(s.age) as oldest
      from s
      where s.waits
      group by split_part(s.place::text, ',', 1)
    )
    select
      coalesce(sum(rows), 0)::float8 as rows,
      coalesce(sum(rows * rows), 0)::float8 as squares,
      ${secondsSince(sql`min(oldest)`)} as "oldestSeconds"
    from page`.execute(db);
  const { squares } = rows[0] ?? { squares: 0 };
  const seen = finite(rows[0]);
  const error = part === 1 ? 0 : Math.max(1, Math.sqrt((1 - part) * squares)) / part;
  return { ...seen, rows: Math.round(seen.rows / part), error: Math.round(error) };
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
  return { ...finite(rows[0]), complete: (rows[0]?.entries ?? 0) < entries };
}

function ageIn({ age }: Waiting): RawBuilder<unknown> {
  return age === null ? sql`null::timestamptz` : ageOf('t', age.columns);
}

/** Two epochs, since an age may be infinite, of which no interval can be made. */
function secondsSince(instant: RawBuilder<unknown>): RawBuilder<number | null> {
  return sql`(extract(epoch from now()) - extract(epoch from (${instant})::timestamptz))::float8`;
}

function finite(row: WaitingRows | undefined): WaitingRows {
  const { rows, oldestSeconds } = row ?? { rows: 0, oldestSeconds: null };
  const known = oldestSeconds !== null && Number.isFinite(oldestSeconds);
  return { rows, oldestSeconds: known ? Math.max(0, Math.round(oldestSeconds)) : null };
}
