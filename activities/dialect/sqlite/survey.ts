import { sql } from 'kysely';

import type { TableName } from '../../stored/columns.ts';
import type { ColumnValues, Survey } from '../survey.ts';
import type { Connection } from './connection.ts';
import { LEDGER_TABLES, ledgerTableName } from './connection.ts';
import { tableRef } from './identifiers.ts';
import { SCHEMA } from './listed-tables.ts';

/** Rows that are read of a table, from its first ones and its last. SQLite has no statistics of values. */
const SAMPLE_ROWS = 500;

/** Values of a column that are enough to recognise what it holds. */
const MOST_VALUES = 50;

/** What the schema of a file says of all tables. */
export function createSurvey(connection: Connection): Survey {
  return {
    async listTables() {
      const { rows } = await connection.run(sql<{ name: string; bytes: number }>`
        select l.name, sum(d.pgsize) as bytes
        from pragma_table_list as l
        join main.sqlite_schema as m on m.tbl_name = l.name collate nocase
        join dbstat as d on d.name = m.name and d.aggregate = true
        where
          l.schema = ${SCHEMA} and l.type = 'table' and l.name not like 'sqlite\\_%' escape '\\'
        group by l.name
        order by bytes desc, l.name`);
      const own = new Set(LEDGER_TABLES.map((table) => ledgerTableName(connection, table)));
      const others = rows.filter(({ name }) => !own.has(name));
      return others.map(({ name, bytes }) => ({
        schema: SCHEMA,
        name,
        label: name,
        bytes,
        written: null,
        partitionedBy: null,
        partitionOf: null,
      }));
    },

    async readValues(table, columns) {
      const found: ColumnValues[] = [];
      for (const column of columns) found.push(await readColumn(connection, table, column));
      return found;
    },
  };
}

async function readColumn(connection: Connection, table: TableName, column: string): Promise<ColumnValues> {
  const from = sql`select ${sql.id(column)} as value from ${tableRef(table)}`;
  const { rows } = await connection.run(sql<{ value: string | null; rows: number }>`
    select cast(value as text) as value, count(*) as rows
    from (
      select * from (${from} order by rowid limit ${SAMPLE_ROWS})
      union all
      select * from (${from} order by rowid desc limit ${SAMPLE_ROWS})
    )
    group by 1
    order by rows desc`);
  const total = rows.reduce((sum, row) => sum + row.rows, 0);
  const nulls = rows.find(({ value }) => value === null)?.rows ?? 0;
  const values = rows.flatMap(({ value }) => value ?? []).slice(0, MOST_VALUES);
  return { column, nullShare: total === 0 ? 0 : nulls / total, values };
}
