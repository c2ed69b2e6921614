import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { LedgerSql } from '../../ledger/ledger-sql.ts';
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

  now(): RawBuilder<unknown> {
    return sql`clock_timestamp()`;
  }

  selectInstant(column: string): RawBuilder<unknown> {
    return sql`to_json(${sql.id(column)}) #>> '{}'`;
  }

  toIso(column: unknown): string {
    return String(column);
  }

  millisSince(column: string): RawBuilder<number> {
    return sql`(1000 * extract(epoch from clock_timestamp() - ${sql.id(column)}))::float8`;
  }

  hasMember(column: string, name: string): RawBuilder<boolean> {
    return sql`${sql.id(column)} ? ${name}`;
  }

  hasElement(column: string, value: unknown): RawBuilder<boolean> {
    return sql`${sql.id(column)} @> ${this.json([value])}`;
  }

  append(column: string, value: unknown): RawBuilder<unknown> {
    return sql`${sql.id(column)} || ${this.json([value])}`;
  }
}
