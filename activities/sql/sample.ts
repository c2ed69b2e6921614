import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { CatalogTable } from './catalog.ts';
import type { ColumnName } from './names.ts';
import { columnOf, tableOf } from './names.ts';

/** About so many pages are read to learn how much of a table is expired; a smaller table is read whole. */
export const SAMPLE_PAGES = 300;

/** What a sample of a table says about the rows that a pass would take. */
export interface Sample {
  /** Rows of the table that qualify, extrapolated. */
  readonly rows: number;
  /** The standard error of `rows`; 0 if all pages were read. */
  readonly error: number;
  /** The age of the oldest row that qualifies; null if there is none or its age is not known. */
  readonly oldestSeconds: number | null;
  /** The most of the rows that qualify that share one value of the column, extrapolated; 1 where nobody asks. */
  readonly ties: number;
  /** Rows of the table, extrapolated. */
  readonly tableRows: number;
  /** Places that cut the rows that qualify into equal parts. */
  readonly placeCuts: readonly string[];
  /** Values of the column that cut them, or all rows, into equal parts, as text. */
  readonly columnCuts: readonly string[];
  /** The first place, the last, and those that cut what is between them into equal parts: where the rows lie. */
  readonly placeMarks: readonly string[];
  /** The same for the column, of the rows that its cuts are of. */
  readonly columnMarks: readonly string[];
  /** The least value of the column among the rows that qualify. */
  readonly oldest: string | null;
}

/** Parts into which a sample can tell rows apart by where they lie; finer than its pages it knows nothing. */
const MARKS = Array.from({ length: 33 }, (_, n) => n / 32);

/** What a pass asks of a sample. */
export interface SampleWish {
  /** The rows that qualify, over alias `t`. */
  readonly where: RawBuilder<boolean>;
  /** The instant that a row waits since, over alias `t`; undefined if nobody knows. */
  readonly age?: RawBuilder<unknown> | undefined;
  /** The column of an index walk, and whether its work lies with the rows that qualify or with all. */
  readonly column?: { readonly name: ColumnName; readonly of: 'qualifying' | 'all' };
  /** Into how many parts to cut. */
  readonly parts: number;
}

/** Collects the wishes of all passes, so that each table is sampled once. */
export class TableSamples {
  readonly #tables = new Map<string, { table: CatalogTable; wishes: SampleWish[]; samples: Sample[] }>();

  /** Adds a wish; the function returns the sample once {@link read} is done. */
  add(table: CatalogTable, wish: SampleWish): () => Sample {
    const entry = this.#tables.get(table.oid) ?? { table, wishes: [], samples: [] };
    this.#tables.set(table.oid, entry);
    const n = entry.wishes.push(wish) - 1;
    return () => {
      const sample = entry.samples[n];
      if (sample === undefined) throw new Error('the tables were not sampled');
      return sample;
    };
  }

  async read(db: Kysely<unknown>): Promise<void> {
    for (const entry of this.#tables.values()) {
      entry.samples = await sampleTable(db, entry.table, entry.wishes);
    }
  }
}

/** One wish as the statement returns it: of the pages that were read, without extrapolation. */
interface SampledWish extends Omit<Sample, 'rows' | 'error' | 'tableRows'> {
  readonly matched: number;
  /** The sum of the squares of what each page has. */
  readonly squares: number;
  readonly seen: number;
}

/**
 * Reads a few random pages and counts the rows that qualify.
 *
 * A sample and not the planner's estimate, because the planner cannot see through an anti-join: for 10 million log
 * rows of which 4,983,600 had no run it estimated 1, since it takes the number of distinct keys from a sample too
 * (30,560 for 100,001). This sample said 4.9 million and took 40 ms.
 *
 * Pages are taken independently of each other, so that the error is known: the variance of such a sum is estimated by
 * the squares of what each page has.
 */
export async function sampleTable(
  db: Kysely<unknown>,
  table: CatalogTable,
  wishes: readonly SampleWish[],
): Promise<Sample[]> {
  const part = Math.min(1, SAMPLE_PAGES / Math.max(1, table.pages));
  const scale = 1 / part;
  // In the list of columns a condition stays a look-up for each row: a join might read all of another table.
  const columns = wishes.flatMap(({ where, age, column }, n) => [
    sql`${where} as ${sql.ref(`q${n}`)}`,
    sql`${age ?? sql`null::timestamptz`} as ${sql.ref(`a${n}`)}`,
    sql`${column === undefined ? sql`null` : columnOf('t', column.name)} as ${sql.ref(`b${n}`)}`,
  ]);
  const { rows } = await sql<{ wishes: SampledWish[] }>`
    with s as materialized (
      select t.ctid as place, ${sql.join(columns)}
      from ${tableOf(table)} as t tablesample system (${100 * part})
    )
    select json_build_array(${sql.join(wishes.map((wish, n) => readWish(wish, n, scale)))}) as wishes`.execute(
    db,
  );
  return (rows[0]?.wishes ?? []).map(
    ({ matched, squares, seen, placeCuts, columnCuts, oldestSeconds, ...found }) => ({
      ...found,
      rows: Math.round(matched * scale),
      error: part === 1 ? 0 : Math.round(Math.max(1, Math.sqrt((1 - part) * squares)) * scale),
      oldestSeconds: toFiniteAge(oldestSeconds),
      tableRows: Math.round(seen * scale),
      placeCuts: [...new Set(placeCuts)],
      columnCuts: [...new Set(columnCuts)],
    }),
  );
}

function readWish({ column, parts }: SampleWish, n: number, scale: number): RawBuilder<SampledWish> {
  const fractions = Array.from({ length: parts - 1 }, (_, cut) => (cut + 1) / parts);
  const [qualifies, age, by] = [sql.ref<boolean>(`s.q${n}`), sql.ref(`s.a${n}`), sql.ref(`s.b${n}`)];
  const byQualifying = column?.of === 'qualifying';
  const ofColumn = column?.of === 'all' ? sql<boolean>`true` : qualifies;
  return sql`(
    select json_build_object(
      'matched', count(*) filter (where ${qualifies}),
      'squares', (
        select coalesce(sum(page.rows * page.rows), 0)::float8
        from (select count(*) as rows from s where ${qualifies} group by ${pageText}) as page),
      'oldestSeconds', ${secondsSince(sql`min(${age}) filter (where ${qualifies})`)},
      'ties', ${byQualifying ? tiesOf(scale, qualifies, by) : sql`1`}::float8,
      'seen', count(*),
      'placeCuts', ${cutsOf(fractions, sql`s.place`, qualifies)},
      'columnCuts', ${column === undefined ? sql`'[]'::json` : cutsOf(fractions, by, ofColumn)},
      'placeMarks', ${cutsOf(MARKS, sql`s.place`, qualifies)},
      'columnMarks', ${column === undefined ? sql`'[]'::json` : cutsOf(MARKS, by, ofColumn)},
      'oldest', to_json(${byQualifying ? sql`min(${by}) filter (where ${qualifies})` : sql`null::text`}) #>> '{}')
    from s)`;
}

/** Over alias `s`: the page that a row lies on, as text. */
const pageText = sql`split_part(s.place::text, ',', 1)`;

/** The seconds since an instant. Two epochs, since an instant may be infinite, and no interval is. */
export function secondsSince(instant: RawBuilder<unknown>): RawBuilder<number | null> {
  return sql`(extract(epoch from now()) - extract(epoch from (${instant})::timestamptz))::float8`;
}

/** The age of a row in whole seconds; null if it is not known or infinite. */
export function toFiniteAge(seconds: number | null): number | null {
  // JSON has an infinite number as a text.
  return typeof seconds === 'number' && Number.isFinite(seconds) ? Math.max(0, Math.round(seconds)) : null;
}

/** Where the values of a column can be cut into equal parts, without null, as text that reads the same everywhere. */
function cutsOf(
  fractions: readonly number[],
  values: RawBuilder<unknown>,
  which: RawBuilder<boolean>,
): RawBuilder<string[]> {
  if (fractions.length === 0) return sql`'[]'::json`;
  return sql`(
    select coalesce(json_agg(to_json(cut) #>> '{}') filter (where cut is not null), '[]')
    from unnest(
      percentile_disc(${fractions}::float8[]) within group (order by ${values}) filter (where ${which})
    ) as cut)`;
}

/** A value on one page alone may be there by chance of how rows were written; one on several pages is all over. */
function tiesOf(scale: number, qualifies: RawBuilder<boolean>, by: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`coalesce((
    select max(case when tie.pages > 1 then tie.rows * ${scale}::float8 else tie.rows end)
    from (
      select count(*) as rows, count(distinct ${pageText}) as pages
      from s
      where ${qualifies}
      group by ${by}
    ) as tie
  ), 1)`;
}
