import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { CatalogColumn, CatalogIndex } from '../catalog.ts';
import type { Connection } from './connection.ts';
import { columnRef, tableRef } from './identifiers.ts';
import { detectInstants } from './instants.ts';

/** So many rows from the start, from the end and from between are looked at. */
const ROWS = 100;
/** If these have no value of a column, so many rows from the end are searched for one. */
const SEARCHED = 50_000;
/** No instant is written longer. */
const MAX_CHARACTERS = 40;

/** How a column stores instants, and some of its values if all of them are numbers. */
type InstantColumn = Pick<CatalogColumn, 'instantType' | 'numbers'>;

/**
 * How columns store instants, by some of their values: from the start, the end and between, and, if there is an index, the
 * least and the greatest, which have the types of SQLite that no other value is before or after.
 */
export async function readInstantColumns(
  connection: Connection,
  table: Pick<TableName, 'name'>,
  columns: readonly CatalogColumn[],
  indexes: readonly CatalogIndex[],
): Promise<ReadonlyMap<string, InstantColumn>> {
  const rows = await readSomeRows(connection, table, columns);
  const found = new Map<string, InstantColumn>();
  for (const [n, column] of columns.entries()) {
    const values: unknown[] = rows.map((row) => row[`c${n}`]).filter((value) => value !== null);
    const isIndexed = indexes.some(({ leading, partial }) => leading === column.name && !partial);
    if (isIndexed) values.push(...(await readEnds(connection, table, column)));
    else if (values.length === 0) values.push(...(await searchValues(connection, table, column)));
    const numbers = values.filter((value) => typeof value === 'number').map(String);
    found.set(column.name, {
      instantType: detectInstants(values),
      ...(numbers.length === 0 || numbers.length < values.length ? {} : { numbers }),
    });
  }
  return found;
}

async function readSomeRows(
  connection: Connection,
  table: Pick<TableName, 'name'>,
  columns: readonly CatalogColumn[],
): Promise<readonly Record<string, unknown>[]> {
  const from = tableRef(table);
  const list = sql.join(columns.map((column, n) => sql`${shorten(column)} as ${sql.id(`c${n}`)}`));
  const { rows } = await connection.run(sql<Record<string, unknown>>`
    with recursive
      edge (first, width) as (
        select min(rowid), max(1, (max(rowid) - min(rowid)) / ${ROWS}) from ${from}
      ),
      cut (n, at) as (
        select 0, first from edge
        union all
        select n + 1, (select min(rowid) from ${from} where rowid >= e.first + (n + 1) * e.width)
        from cut, edge as e
        where n < ${ROWS}
      ),
      chosen (location) as (
        select at from cut
        union select rowid from (select rowid from ${from} order by rowid limit ${ROWS})
        union select rowid from (select rowid from ${from} order by rowid desc limit ${ROWS})
      )
    select ${list} from chosen as c join ${from} as t on t.rowid = c.location`);
  return rows;
}

/** The least and the greatest value, by an index. */
async function readEnds(
  connection: Connection,
  table: Pick<TableName, 'name'>,
  column: CatalogColumn,
): Promise<unknown[]> {
  const value = columnRef('t', column);
  const end = (which: 'min' | 'max'): RawBuilder<unknown> =>
    sql`(select ${sql.raw(which)}(${value}) from ${tableRef(table)} as t where ${value} is not null)`;
  const { rows } = await connection.run(sql<{ least: unknown; most: unknown }>`
    select ${end('min')} as least, ${end('max')} as most`);
  return [rows[0]?.least ?? null, rows[0]?.most ?? null].filter((found) => found !== null);
}

/** Values of a column that is mostly null. */
async function searchValues(
  connection: Connection,
  table: Pick<TableName, 'name'>,
  column: CatalogColumn,
): Promise<unknown[]> {
  const { rows } = await connection.run(sql<{ value: unknown }>`
    select ${shorten(column)} as value
    from (select * from ${tableRef(table)} order by rowid desc limit ${SEARCHED}) as t
    where ${columnRef('t', column)} is not null
    limit ${ROWS}`);
  return rows.map(({ value }) => value);
}

/** The value without what makes it long. A blob stays one. */
function shorten(column: CatalogColumn): RawBuilder<unknown> {
  const value = columnRef('t', column);
  return sql`iif(typeof(${value}) in ('text', 'blob'), substr(${value}, 1, ${MAX_CHARACTERS}), ${value})`;
}
