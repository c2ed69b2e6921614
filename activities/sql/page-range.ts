import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Keeping } from './going.ts';
import { goingOf, isGoing, keepingColumns } from './going.ts';
import type { ColumnName, TableName } from './names.ts';
import { tableOf } from './names.ts';
import { pageStart } from './pages.ts';
import type { Picked } from './picked.ts';
import { lockCandidates, readPicked } from './picked.ts';
import type { Recording } from './recording.ts';
import { recordedFromGone, returningPaths } from './recording.ts';
import { returningAge } from './span.ts';
import type { Swept } from './swept.ts';
import { keyText, sweptOf } from './swept.ts';
import type { Tx } from './transaction.ts';

/**
 * A range of the table in physical order. PostgreSQL 14 and later read it with a TID range scan: each page once,
 * without an index, at 480,000 rows/s a connection where half of the rows go.
 */
export interface PageRange {
  readonly table: TableName;
  /** Which rows, over alias `t`. */
  readonly where: RawBuilder<boolean>;
  /** What the delete records of the rows that go. */
  readonly recording?: Recording | undefined;
  /** The age of a row over alias `t`, where it is asked for from when to when the rows are that go. */
  readonly aged?: RawBuilder<unknown>;
  /** What stays although it qualifies. Only where a limit bounds the rows. */
  readonly keeping?: Keeping;
  /** After this place, as `(page,item)`. */
  readonly after: string;
  /** Up to the begin of this page. */
  readonly untilPage: number;
}

/** Deletes the rows of the range in one statement. Waits where a row is locked. */
export async function sweepPages(tx: Tx, range: PageRange, key?: ColumnName): Promise<Swept> {
  const gone = sql`
    delete from ${tableOf(range.table)} as t
    where ${inRange(range)} and ${range.where}`;
  if (key === undefined && range.recording === undefined) {
    const result = await gone.execute(tx);
    return { rows: Number(result.numAffectedRows ?? 0), keys: [], span: null };
  }
  const { rows } = await sql<Swept>`
    with gone as (
      ${gone}
      returning ${keyText(key)} as key${returningAge(range.aged)}${returningPaths(range.recording)}
    )${recordedFromGone(range.recording)}
    select ${sweptOf(key, range.aged)}`.execute(tx);
  return rows[0] as Swept;
}

/**
 * Deletes the first `limit` rows of the range, in physical order, in one statement. Waits where a row is locked. Answers
 * what went, and how many qualified with the place of the last.
 */
export async function takePages(
  tx: Tx,
  range: PageRange,
  key: ColumnName | undefined,
  limit: number,
): Promise<Swept & Pick<Picked, 'candidates' | 'last'>> {
  const { keeping, where } = range;
  const going = keeping === undefined ? sql`` : sql`, ${goingOf(keeping, sql`candidate`, limit)}`;
  const chosen =
    keeping === undefined ? sql`t.ctid = any(array(select place from candidate)) and ${where}` : isGoing();
  const { rows } = await sql<Swept & Pick<Picked, 'candidates' | 'last'>>`
    with ${candidateOf(range, limit)}${going},
    gone as (
      delete from ${tableOf(range.table)} as t
      where ${chosen}
      returning ${keyText(key)} as key${returningAge(range.aged)}${returningPaths(range.recording)}
    )${recordedFromGone(range.recording)}
    select
      ${sweptOf(key, range.aged)},
      (select count(*)::int from candidate) as candidates,
      (select max(place)::text from candidate) as last`.execute(tx);
  return rows[0] as Swept & Pick<Picked, 'candidates' | 'last'>;
}

/** Finds the first `limit` rows of the range, in physical order, and locks those that nobody else has locked. */
export async function pickPages(
  tx: Tx,
  range: PageRange,
  key: ColumnName | undefined,
  limit: number,
): Promise<Picked> {
  const { rows } = await sql`
    with ${candidateOf(range, limit)},
    ${lockCandidates(range.table, keyText(key), range.where)}`.execute(tx);
  return readPicked(rows[0]);
}

/** `candidate`: the first rows of the range that qualify. */
function candidateOf(range: PageRange, limit: number): RawBuilder<unknown> {
  return sql`
    candidate as materialized (
      select t.ctid as place, row_number() over (order by t.ctid) as nth${keepingColumns(range.keeping)}
      from ${tableOf(range.table)} as t
      where ${inRange(range)} and ${range.where}
      order by t.ctid
      limit ${limit}
    )`;
}

/** Over alias `t`: the row lies in the range. */
export function inRange({ after, untilPage }: Pick<PageRange, 'after' | 'untilPage'>): RawBuilder<boolean> {
  return sql`t.ctid > ${after}::tid and t.ctid <= ${pageStart(untilPage)}::tid`;
}
