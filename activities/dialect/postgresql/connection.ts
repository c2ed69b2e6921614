import type { MikroORM } from '@mikro-orm/core';
import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { RowSql } from '../row-sql.ts';

/** The tables of the ledger. */
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
] as const;

export type LedgerTable = (typeof LEDGER_TABLES)[number];

/** A database, or a transaction on it, and the schema of its ledger. */
export interface Connection {
  readonly db: Kysely<unknown>;
  readonly ledgerSchema: string;
  /** The MikroORM instance that the database was given as. */
  readonly orm?: MikroORM;
}

/** What this dialect does with rows. */
export type PostgresRows = RowSql<Connection>;

/** A table of the ledger, quoted. */
export function ledgerTable(
  { ledgerSchema }: Pick<Connection, 'ledgerSchema'>,
  name: LedgerTable,
): RawBuilder<unknown> {
  return sql.id(ledgerSchema, name);
}
