import type { Kysely, RawBuilder } from 'kysely';

import type { Connection, LedgerTable } from '../connection.ts';
import { ledgerTable } from '../connection.ts';

/** Some statements of the ledger, on a pool or in a transaction. */
export abstract class LedgerPart {
  protected readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  protected get db(): Kysely<unknown> {
    return this.connection.db;
  }

  /** A table of the ledger, quoted. */
  protected table(name: LedgerTable): RawBuilder<unknown> {
    return ledgerTable(this.connection, name);
  }
}
