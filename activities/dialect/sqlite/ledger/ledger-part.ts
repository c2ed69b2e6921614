import type { RawBuilder } from 'kysely';

import type { Connection, LedgerTable } from '../connection.ts';
import { ledgerTable } from '../connection.ts';

/** Some statements of the ledger, on a file or in a transaction. Instants are whole milliseconds since the epoch. */
export abstract class LedgerPart {
  protected readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** The rows of a statement. */
  protected async rows<T>(query: RawBuilder<T>): Promise<readonly T[]> {
    return (await this.connection.run(query)).rows;
  }

  /** How many rows a statement changed. */
  protected async change(query: RawBuilder<unknown>): Promise<number> {
    return (await this.connection.run(query)).changes;
  }

  /** A table of the ledger, quoted. */
  protected table(name: LedgerTable): RawBuilder<unknown> {
    return ledgerTable(this.connection, name);
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
