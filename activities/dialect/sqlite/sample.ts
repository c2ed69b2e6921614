import { sql } from 'kysely';

import type { ColumnName } from '../../stored/columns.ts';
import type { CatalogTable } from '../catalog.ts';
import { toSql } from '../condition.ts';
import { ROWIDS_PER_PAGE } from '../scan-position.ts';
import type { Sample, SampleRequest } from '../tables.ts';
import type { Connection } from './connection.ts';
import { ageMillis } from './expiry.ts';
import { columnRef, tableRef } from './identifiers.ts';

/** A table with no more rows is read whole. */
const WHOLE = 20_000;
/** Else so many spans of rowids, and so many rows of each. */
const SPANS = 300;
const ROWS_PER_SPAN = 50;
/** Parts into which a sample can tell rows apart by where they lie. */
const MARKS = 33;

/** A row of the sample; `q`, `a` and `b` with the number of a request are its condition, age and column. */
type SampledRow = Readonly<Record<string, string | number | null>> & { readonly location: number };

/** Rows that were read, each of which stands for so many of the table. */
interface Span {
  readonly rows: readonly SampledRow[];
  readonly weight: number;
}

/** Reads a few parts of the table and counts the rows of which the conditions are true. */
export async function sampleTable(
  connection: Connection,
  table: CatalogTable,
  requests: readonly SampleRequest[],
): Promise<Sample[]> {
  const spans = await readSpans(connection, table, requests);
  return requests.map((request, n) => sumUp(request, n, spans));
}

async function readSpans(
  connection: Connection,
  table: CatalogTable,
  requests: readonly SampleRequest[],
): Promise<Span[]> {
  const columns = requests.flatMap(({ where, ages, column }, n) => [
    sql`(${toSql(where)}) is true as ${sql.id(`q${n}`)}`,
    sql`${ages === undefined ? sql`null` : ageMillis('t', ages)} as ${sql.id(`a${n}`)}`,
    sql`${column === undefined ? sql`null` : readValue(column.name)} as ${sql.id(`b${n}`)}`,
  ]);
  const select = sql`select t.rowid as location, ${sql.join(columns)} from ${tableRef(table)} as t`;
  const { rows: bounds } = await connection.run(sql<{ first: number; last: number; rows: number }>`
    select min(rowid) as first, max(rowid) as last,
      (select count(*) from (select 1 from ${tableRef(table)} limit ${WHOLE + 1})) as rows
    from ${tableRef(table)}`);
  const { first = 0, last = 0, rows: count = 0 } = bounds[0] ?? {};
  if (count <= WHOLE) {
    const { rows } = await connection.run(sql<SampledRow>`${select} order by t.rowid`);
    return [{ rows, weight: 1 }];
  }
  const width = (last - first + 1) / SPANS;
  const spans: Span[] = [];
  for (let n = 0; n < SPANS; n += 1) {
    const from = Math.floor(first + n * width);
    const until = n === SPANS - 1 ? last + 1 : Math.floor(first + (n + 1) * width);
    const { rows } = await connection.run(sql<SampledRow>`
      ${select} where t.rowid >= ${from} and t.rowid < ${until} order by t.rowid limit ${ROWS_PER_SPAN}`);
    // A full part stands for the rest of its span.
    const read = (rows.at(-1)?.location ?? from) - from + 1;
    spans.push({ rows, weight: rows.length < ROWS_PER_SPAN ? 1 : (until - from) / Math.max(1, read) });
  }
  return spans;
}

/** A value as text that reads the same everywhere; ages keep what they are. */
function readValue(column: ColumnName): ReturnType<typeof columnRef> {
  return sql`cast(${columnRef('t', column)} as text)`;
}

function sumUp({ column }: SampleRequest, n: number, spans: readonly Span[]): Sample {
  const matched = spans.map(({ rows }) => rows.filter((row) => row[`q${n}`] === 1));
  const deletable = matched.flat();
  const rows = matched.reduce((sum, found, at) => sum + found.length * (spans[at]?.weight ?? 1), 0);
  const variance = matched.reduce((sum, found, at) => {
    const weight = spans[at]?.weight ?? 1;
    return sum + (weight > 1 ? (found.length * weight) ** 2 * (1 - 1 / weight) : 0);
  }, 0);
  const isWhole = spans.every(({ weight }) => weight === 1);
  const least = deletable.length === 0 ? 1 : 0;
  const ages = deletable.flatMap((row) => row[`a${n}`] ?? []).map(Number);
  const byDeletable = column?.of === 'deletable';
  const ofColumn = column?.of === 'all' ? spans.flatMap((span) => span.rows) : deletable;
  const values = ofColumn.flatMap((row) => row[`b${n}`] ?? []).map(String);
  return {
    rows: Math.round(rows),
    error: isWhole ? 0 : Math.round(Math.sqrt(variance) + least * (spans[0]?.weight ?? 1)),
    ties: byDeletable ? countTies(matched, n, spans) : 1,
    tableRows: Math.round(spans.reduce((sum, span) => sum + span.rows.length * span.weight, 0)),
    // One writer at a time: shards beside one another would only wait for each other.
    pageCuts: [],
    columnCuts: [],
    pageMarks: cut(deletable.map(({ location }) => Math.floor(location / ROWIDS_PER_PAGE))),
    columnMarks: cut(values.toSorted(compareTexts)),
    oldest: byDeletable ? (values.toSorted(compareTexts)[0] ?? null) : null,
    oldestSeconds:
      ages.length === 0 ? null : Math.max(0, Math.round((Date.now() - Math.min(...ages)) / 1000)),
  };
}

/** The most rows with one value. One on several spans is all over, one on a single span may be there by chance. */
function countTies(matched: readonly (readonly SampledRow[])[], n: number, spans: readonly Span[]): number {
  const ties = new Map<string, { rows: number; weighted: number; spans: Set<number> }>();
  for (const [at, found] of matched.entries()) {
    for (const row of found) {
      const value = String(row[`b${n}`]);
      const tie = ties.get(value) ?? { rows: 0, weighted: 0, spans: new Set<number>() };
      tie.rows += 1;
      tie.weighted += spans[at]?.weight ?? 1;
      tie.spans.add(at);
      ties.set(value, tie);
    }
  }
  return [...ties.values()].reduce(
    (most, tie) => Math.max(most, tie.spans.size > 1 ? tie.weighted : tie.rows),
    1,
  );
}

/** Values that cut a sorted list into equal parts, from the first to the last. */
function cut<T>(sorted: readonly T[]): T[] {
  if (sorted.length === 0) return [];
  return Array.from(
    { length: MARKS },
    (_, n) => sorted[Math.round((n * (sorted.length - 1)) / (MARKS - 1))] as T,
  );
}

/** Numbers by their size, texts by their bytes, as SQLite orders them. */
function compareTexts(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}
