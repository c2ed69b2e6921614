import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { LedgerSql, ListType } from '../../ledger/ledger-sql.ts';
import type { Connection, LedgerTable } from '../connection.ts';
import { ledgerTable } from '../connection.ts';

/** Some statements of the ledger, on a file or in a transaction. Instants are whole milliseconds since the epoch. */
export class LedgerPart implements LedgerSql {
  protected readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** The rows of a statement. */
  async rows<T>(query: RawBuilder<T>): Promise<readonly T[]> {
    return (await this.connection.run(query)).rows;
  }

  /** How many rows a statement changed. */
  async change(query: RawBuilder<unknown>): Promise<number> {
    return (await this.connection.run(query)).changes;
  }

  /** A table of the ledger, quoted. */
  table(name: LedgerTable): RawBuilder<unknown> {
    return ledgerTable(this.connection, name);
  }

  json(value: unknown): RawBuilder<unknown> {
    return sql`${value === undefined ? null : JSON.stringify(value)}`;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the shape of JSON is what was written
  parse<T>(column: unknown): T {
    return parseJson<T>(String(column));
  }

  instant(iso: string | null): RawBuilder<unknown> {
    return sql`${iso === null ? null : Date.parse(iso)}`;
  }

  now(plusMillis = 0): RawBuilder<unknown> {
    return sql`${Date.now() + plusMillis}`;
  }

  selectInstant(column: string): RawBuilder<unknown> {
    return sql.ref(column);
  }

  toIso(column: unknown): string {
    return toIso(Number(column));
  }

  millis(instant: RawBuilder<unknown>): RawBuilder<number> {
    return instant as RawBuilder<number>;
  }

  members(column: string): RawBuilder<unknown> {
    return sql`json_each(${sql.ref(column)})`;
  }

  greatest(one: RawBuilder<unknown>, other: RawBuilder<unknown>): RawBuilder<number> {
    return sql`coalesce(max(${one}, ${other}), ${one}, ${other})`;
  }

  recordset(values: readonly object[], columns: Readonly<Record<string, ListType>>): RawBuilder<unknown> {
    const list = Object.entries(columns).map(([name, type]) => {
      const value = sql`m.value ->> ${sql.lit(name)}`;
      return sql`${type === 'id' ? sql`cast(${value} as integer)` : value} as ${sql.id(name)}`;
    });
    return sql`(select ${sql.join(list)} from json_each(${JSON.stringify(values)}) as m)`;
  }

  hasElement(column: string, value: unknown): RawBuilder<boolean> {
    return sql`exists (select 1 from json_each(${sql.id(column)}) as e where e.value = json(${JSON.stringify(value)}))`;
  }

  append(column: string, value: unknown): RawBuilder<unknown> {
    return sql`json_insert(${sql.id(column)}, '$[#]', json(${JSON.stringify(value)}))`;
  }

  assign(column: string, fallback: object, value: object): RawBuilder<unknown> {
    const members = Object.entries(value).map(
      ([name, member]) => sql`${`$."${name}"`}, json(${JSON.stringify(member)})`,
    );
    const base = sql`coalesce(${sql.id(column)}, ${JSON.stringify(fallback)})`;
    return sql`json_set(${sql.join([base, ...members])})`;
  }
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
