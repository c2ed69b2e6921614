import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { LedgerSql } from '../../ledger/ledger-sql.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';

/** How SQLite writes statements of the ledger, on a file or in a transaction. Instants are whole milliseconds since the epoch. */
export function createLedgerSql(connection: Connection): LedgerSql {
  return {
    rows: async (query) => (await connection.run(query)).rows,
    change: async (query) => (await connection.run(query)).changes,
    table: (name) => ledgerTable(connection, name),
    json: (value) => sql`${value === undefined ? null : JSON.stringify(value)}`,
    parse: (column) => parseJson(String(column)),
    instant: (iso) => sql`${iso === null ? null : Date.parse(iso)}`,
    now: (plusMillis = 0) => sql`${Date.now() + plusMillis}`,
    selectInstant: (column) => sql.ref(column),
    toIso: (column) => toIso(Number(column)),
    millis: (instant) => instant as RawBuilder<number>,
    members: (column) => sql`json_each(${sql.ref(column)})`,
    greatest: (one, other) => sql`coalesce(max(${one}, ${other}), ${one}, ${other})`,
    recordset(values, columns) {
      const list = Object.entries(columns).map(([name, type]) => {
        const value = sql`m.value ->> ${sql.lit(name)}`;
        return sql`${type === 'id' ? sql`cast(${value} as integer)` : value} as ${sql.id(name)}`;
      });
      return sql`(select ${sql.join(list)} from json_each(${JSON.stringify(values)}) as m)`;
    },
    hasElement: (column, value) =>
      sql`exists (select 1 from json_each(${sql.id(column)}) as e where e.value = json(${JSON.stringify(value)}))`,
    append: (column, value) => sql`json_insert(${sql.id(column)}, '$[#]', json(${JSON.stringify(value)}))`,
    assign(column, fallback, value) {
      const members = Object.entries(value).map(
        ([name, member]) => sql`${`$."${name}"`}, json(${JSON.stringify(member)})`,
      );
      const base = sql`coalesce(${sql.id(column)}, ${JSON.stringify(fallback)})`;
      return sql`json_set(${sql.join([base, ...members])})`;
    },
  };
}

/** An instant as upper layers read it. */
export function toIso(millis: number): string {
  return new Date(millis).toISOString();
}

/** The same of one that may be missing. */
export function toIsoOrNull(millis: number | null): string | null {
  return millis === null ? null : toIso(millis);
}

/** A column of JSON. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the shape of JSON is what was written
export function parseJson<T>(text: string): T {
  return JSON.parse(text) as T;
}

/** The same of one that may be null. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the shape of JSON is what was written
export function parseJsonOrNull<T>(text: string | null): T | null {
  return text === null ? null : parseJson<T>(text);
}
