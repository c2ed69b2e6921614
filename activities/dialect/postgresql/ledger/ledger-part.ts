import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { LedgerSql, ListType } from '../../ledger/ledger-sql.ts';
import type { Connection, LedgerTable } from '../connection.ts';
import { ledgerTable } from '../connection.ts';

/** Some statements of the ledger, on a pool or in a transaction. */
export class LedgerPart implements LedgerSql {
  protected readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  protected get db(): Kysely<unknown> {
    return this.connection.db;
  }

  async rows<T>(query: RawBuilder<T>): Promise<readonly T[]> {
    return (await query.execute(this.db)).rows;
  }

  async change(query: RawBuilder<unknown>): Promise<number> {
    return Number((await query.execute(this.db)).numAffectedRows ?? 0);
  }

  table(name: LedgerTable): RawBuilder<unknown> {
    return ledgerTable(this.connection, name);
  }

  json(value: unknown): RawBuilder<unknown> {
    return sql`${value === undefined ? null : JSON.stringify(value)}::jsonb`;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the shape of JSON is what was written
  parse<T>(column: unknown): T {
    return column as T;
  }

  instant(iso: string | null): RawBuilder<unknown> {
    return sql`${iso}::timestamptz`;
  }

  now(plusMillis = 0): RawBuilder<unknown> {
    return sql`clock_timestamp() + ${plusMillis}::float8 * interval '1 ms'`;
  }

  selectInstant(column: string): RawBuilder<unknown> {
    return sql`to_json(${sql.ref(column)}) #>> '{}'`;
  }

  toIso(column: unknown): string {
    return String(column);
  }

  millis(instant: RawBuilder<unknown>): RawBuilder<number> {
    return sql`(1000 * extract(epoch from ${instant}))::float8`;
  }

  members(column: string): RawBuilder<unknown> {
    return sql`jsonb_each_text(${sql.ref(column)})`;
  }

  greatest(one: RawBuilder<unknown>, other: RawBuilder<unknown>): RawBuilder<number> {
    return sql`greatest(${one}, ${other})`;
  }

  recordset(values: readonly object[], columns: Readonly<Record<string, ListType>>): RawBuilder<unknown> {
    const types = { id: sql`bigint`, number: sql`float8`, text: sql`text` };
    const list = Object.entries(columns).map(([name, type]) => sql`${sql.id(name)} ${types[type]}`);
    return sql`(select * from jsonb_to_recordset(${JSON.stringify(values)}::jsonb) as l(${sql.join(list)}))`;
  }

  hasElement(column: string, value: unknown): RawBuilder<boolean> {
    return sql`${sql.id(column)} @> ${this.json([value])}`;
  }

  append(column: string, value: unknown): RawBuilder<unknown> {
    return sql`${sql.id(column)} || ${this.json([value])}`;
  }

  assign(column: string, fallback: object, value: object): RawBuilder<unknown> {
    return sql`coalesce(${sql.id(column)}, ${this.json(fallback)}) || ${this.json(value)}`;
  }
}
