import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { LedgerSql } from '../../ledger/ledger-sql.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';

/** How PostgreSQL writes statements of the ledger, on a pool or in a transaction. */
export function createLedgerSql(connection: Connection): LedgerSql {
  const { db } = connection;
  return {
    rows: async (query) => (await query.execute(db)).rows,
    change: async (query) => Number((await query.execute(db)).numAffectedRows ?? 0),
    table: (name) => ledgerTable(connection, name),
    json,
    parse: (column) => column as never,
    instant: (iso) => sql`${iso}::timestamptz`,
    now: (plusMillis = 0) => sql`clock_timestamp() + ${plusMillis}::float8 * interval '1 ms'`,
    selectInstant: (column) => sql`to_json(${sql.ref(column)}) #>> '{}'`,
    toIso: String,
    millis: (instant) => sql`(1000 * extract(epoch from ${instant}))::float8`,
    members: (column) => sql`jsonb_each_text(${sql.ref(column)})`,
    greatest: (one, other) => sql`greatest(${one}, ${other})`,
    recordset(values, columns) {
      const types = { id: sql`bigint`, number: sql`float8`, text: sql`text` };
      const list = Object.entries(columns).map(([name, type]) => sql`${sql.id(name)} ${types[type]}`);
      return sql`(select * from jsonb_to_recordset(${JSON.stringify(values)}::jsonb) as l(${sql.join(list)}))`;
    },
    hasElement: (column, value) => sql`${sql.id(column)} @> ${json([value])}`,
    append: (column, value) => sql`${sql.id(column)} || ${json([value])}`,
    assign: (column, fallback, value) =>
      sql`coalesce(${sql.id(column)}, ${json(fallback)}) || ${json(value)}`,
  };
}

function json(value: unknown): RawBuilder<unknown> {
  return sql`${value === undefined ? null : JSON.stringify(value)}::jsonb`;
}
