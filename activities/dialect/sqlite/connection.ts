import type { RawBuilder } from 'kysely';
import { DummyDriver, Kysely, sql, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';

import type { RowSql, StatementResult } from '../row-sql.ts';
import type { SqliteValue } from './thread-messages.ts';

/** A file, or a transaction on it, and the name that the tables of its ledger begin with. */
export interface Connection {
  /** Runs a statement. Outside of a transaction it is one of its own. */
  run<T>(query: RawBuilder<T>): Promise<StatementResult<T>>;
  readonly ledgerSchema: string;
  /** When its transaction got the write lock, by `performance.now()`; left out outside of one. */
  readonly startedAt?: number;
}

/** What this dialect does with rows. */
export type SqliteRows = RowSql<Connection>;

export const LEDGER_TABLES = [
  'run',
  'pass',
  'batch',
  'size',
  'reclaim',
  'kept',
  'guard',
  'hold',
  'file',
  'migration',
] as const;

export type LedgerTable = (typeof LEDGER_TABLES)[number];

/** The name of a table of the ledger. SQLite has no schemas, so that the ledger's is a prefix. */
export function ledgerTableName(
  { ledgerSchema }: Pick<Connection, 'ledgerSchema'>,
  name: LedgerTable,
): string {
  return `${ledgerSchema}_${name}`;
}

/** A table of the ledger, quoted. */
export function ledgerTable(
  connection: Pick<Connection, 'ledgerSchema'>,
  name: LedgerTable,
): RawBuilder<unknown> {
  return sql.id('main', ledgerTableName(connection, name));
}

/** Turns queries into text. It has no connection. */
const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** The text of a query and its values as the driver binds them. */
export function compile(query: RawBuilder<unknown>): {
  readonly sql: string;
  readonly values: readonly SqliteValue[];
} {
  const { sql: text, parameters } = query.compile(compiler);
  return { sql: text.trim(), values: parameters.map(toSqliteValue) };
}

function toSqliteValue(value: unknown): SqliteValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  // A whole number bound as a number would be a real one.
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string' || typeof value === 'bigint' || value instanceof Uint8Array) return value;
  throw new Error(`a value of type ${typeof value} cannot be bound`);
}
