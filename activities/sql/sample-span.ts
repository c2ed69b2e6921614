import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { ColumnName, TableName } from './names.ts';
import { castArrayTo, columnOf, tableOf } from './names.ts';
import type { PageRange } from './page-range.ts';
import { inRange } from './page-range.ts';
import { pageOf, pageStart } from './pages.ts';
import type { Span } from './span.ts';
import { spanFrom } from './span.ts';
import type { Tx } from './transaction.ts';

/** A part of the pages at each end of a range. */
const PART = 64;
/** So few pages are looked at whole. */
const FEW_PAGES = 16;

/**
 * Looks at the first and the last pages of a range, or at all where these are few.
 *
 * A sweep of pages answers nothing about its rows: having it answer their ages made a million rows take 60 % longer. A
 * look at a few of the pages before it costs as much as its part of the reading: 3 % at a sixteenth, so that this is less.
 */
export async function sampleSpan(
  tx: Tx,
  range: Pick<PageRange, 'table' | 'after' | 'untilPage'>,
  where: RawBuilder<boolean>,
  aged: RawBuilder<unknown>,
): Promise<Span> {
  const fromPage = pageOf(range.after);
  const pages = range.untilPage - fromPage;
  const part = Math.ceil(pages / PART);
  const sampled = pages > FEW_PAGES;
  const looks = sampled
    ? [
        { after: range.after, untilPage: fromPage + part },
        { after: pageStart(range.untilPage - part), untilPage: range.untilPage },
      ]
    : [range];
  const rows = looks.map(
    (look) => sql`
      select ${aged} as age
      from ${tableOf(range.table)} as t
      where ${inRange(look)} and ${where}`,
  );
  return readSpan(tx, sql.join(rows, sql` union all `), sampled, Infinity);
}

/** So few keys are looked at whole, and so many rows at the most. */
const FEW_KEYS = 64;
const MOST_ROWS = 1_000;

/** The same where keys name the rows: some of many keys, and a bounded number of rows. */
export async function sampleSpanOfKeys(
  tx: Tx,
  { table, by }: { readonly table: TableName; readonly by: ColumnName },
  keys: readonly string[],
  where: RawBuilder<boolean>,
  aged: RawBuilder<unknown>,
): Promise<Span> {
  const some = keys.length <= FEW_KEYS ? keys : keys.filter((_, n) => n % PART === 0);
  const rows = sql`
    select ${aged} as age
    from ${tableOf(table)} as t
    where ${columnOf('t', by)} = any(${castArrayTo(some, by.type)}) and ${where}
    limit ${MOST_ROWS}`;
  return readSpan(tx, rows, some.length < keys.length, MOST_ROWS);
}

/** Materialized: for a `min` the planner may walk the index of the age from its begin, past all rows but these (77 s). */
async function readSpan(tx: Tx, rows: RawBuilder<unknown>, sampled: boolean, most: number): Promise<Span> {
  const { rows: found } = await sql<{ span: Span; seen: number }>`
    with looked as materialized (${rows})
    select (${spanFrom(sql`looked`)}) as span, (select count(*)::int from looked) as seen`.execute(tx);
  const { span, seen } = found[0] ?? { span: { oldest: null, newest: null }, seen: 0 };
  return { ...span, sampled: sampled || seen >= most };
}
