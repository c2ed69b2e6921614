import type { MikroORM } from '@mikro-orm/core';
import type { Kysely, RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { Condition, Instant } from '../view.ts';

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

/** A table of the ledger, quoted. */
export function ledgerTable(
  { ledgerSchema }: Pick<Connection, 'ledgerSchema'>,
  name: LedgerTable,
): RawBuilder<unknown> {
  return sql.id(ledgerSchema, name);
}

/** A condition over alias `t`, as upper layers hand it around. */
export function toCondition(condition: RawBuilder<boolean>): Condition {
  return condition as unknown as Condition;
}

/** The SQL of a condition, over alias `t`. */
export function toSql(condition: Condition): RawBuilder<boolean> {
  return condition as unknown as RawBuilder<boolean>;
}

/** An instant as `to_json` writes it, over alias `t`, as upper layers hand it around. */
export function toInstant(instant: RawBuilder<string | null>): Instant {
  return instant as unknown as Instant;
}

/** The SQL of an instant. */
export function instantSql(instant: Instant): RawBuilder<string | null> {
  return instant as unknown as RawBuilder<string | null>;
}
