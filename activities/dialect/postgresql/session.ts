import type { Kysely } from 'kysely';

import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { Advice } from '../advice.ts';
import type { BatchLock } from '../batch-lock.ts';
import type { Catalog } from '../catalog.ts';
import type { Session, Tx } from '../dialect.ts';
import type { EntityReader } from '../entity-reader.ts';
import type { Facts } from '../facts.ts';
import type { LedgerStore } from '../ledger-store.ts';
import type { Partitions } from '../partitions.ts';
import type { PreviewQuery } from '../preview.ts';
import type { Reclaim } from '../reclaim.ts';
import type { Rows } from '../rows.ts';
import type { ScanRows } from '../scan.ts';
import type { Sizes } from '../sizes.ts';
import { SqlRows } from '../sql-rows.ts';
import { createView } from '../sql-view.ts';
import type { Survey } from '../survey.ts';
import type { Tables } from '../tables.ts';
import type { Deadline, TransactionLimits } from '../transaction-limits.ts';
import type { Holds, View, ViewOptions } from '../view.ts';
import { POSTGRES_ADVICE } from './advice.ts';
import { holdKey, isKeyHeld } from './advisory-locks.ts';
import { PostgresBatchLock } from './batch-lock.ts';
import { cancelOn } from './cancel.ts';
import type { Connection } from './connection.ts';
import { readEntities } from './entities.ts';
import { createFacts } from './facts.ts';
import { createLedgerStore } from './ledger/store.ts';
import { PostgresPartitions } from './partitions.ts';
import { createPreviewQuery } from './preview/query.ts';
import { PostgresReclaim } from './reclaim.ts';
import { ROW_SQL } from './rows.ts';
import { PostgresScan } from './scan.ts';
import { createSizes } from './sizes.ts';
import { createSurvey } from './survey.ts';
import { createTables } from './tables.ts';
import { enforceDeadline, inSnapshot, inTransaction, limitStatements, tryAndUndo } from './transaction.ts';
import { VIEW } from './view.ts';

/** An open PostgreSQL database. `db` is a pool; its ledger lies in a schema of the same database. */
export class PostgresSession implements Session {
  protected readonly connection: Connection;
  readonly advice: Advice = POSTGRES_ADVICE;
  readonly facts: Facts;
  readonly tables: Tables;
  readonly ledger: LedgerStore;
  readonly sizes: Sizes;
  readonly reclaim: Reclaim;
  readonly partitions: Partitions;
  readonly survey: Survey;

  constructor(connection: Connection) {
    this.connection = connection;
    this.facts = createFacts(connection);
    this.tables = createTables(connection);
    this.ledger = createLedgerStore(connection);
    this.sizes = createSizes(connection);
    this.reclaim = new PostgresReclaim(connection);
    this.partitions = new PostgresPartitions(connection);
    this.survey = createSurvey(connection);
  }

  async transaction<T>(limits: TransactionLimits, work: (tx: Tx) => Promise<T>): Promise<T> {
    return inTransaction(this.connection.db, limits, async (tx) => work(this.#on(tx)));
  }

  async snapshot<T>(limits: TransactionLimits, work: (tx: Tx) => Promise<T>): Promise<T> {
    return inSnapshot(this.connection.db, limits, async (tx) => work(this.#on(tx)));
  }

  async isKeyHeld(key: string): Promise<boolean> {
    return isKeyHeld(this.connection, key);
  }

  async holdKey(key: string): Promise<() => Promise<void>> {
    return holdKey(this.connection, key);
  }

  readEntities(entities: readonly AnyEntity[]): EntityReader {
    return readEntities(entities, this.connection.orm);
  }

  view(options: ViewOptions = {}): View {
    return createView(VIEW, this.connection, options);
  }

  startPreview(catalog: Catalog, holds: Holds | undefined): PreviewQuery {
    return createPreviewQuery(this.connection, catalog, holds);
  }

  #on(tx: Kysely<unknown>): Tx {
    return new PostgresTx({ ...this.connection, db: tx }, this.connection.db);
  }
}

/** A transaction on PostgreSQL; `pool` is for requests that must not wait for it. */
class PostgresTx extends PostgresSession implements Tx {
  readonly #pool: Kysely<unknown>;
  readonly batchLock: BatchLock;
  readonly scan: ScanRows;
  readonly rows: Rows;

  constructor(connection: Connection, pool: Kysely<unknown>) {
    super(connection);
    this.#pool = pool;
    this.batchLock = new PostgresBatchLock(connection);
    this.scan = new PostgresScan(connection);
    this.rows = new SqlRows(ROW_SQL, connection);
  }

  async tryAndUndo<T>(work: () => Promise<T>): Promise<T> {
    return tryAndUndo(this.connection.db, work);
  }

  async cancelOn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return cancelOn(signal, this.#pool, this.connection.db, work);
  }

  async limitStatements(millis: number): Promise<void> {
    return limitStatements(this.connection.db, millis);
  }

  async enforceDeadline(deadline: Deadline | undefined): Promise<void> {
    return enforceDeadline(this.connection.db, deadline);
  }
}
