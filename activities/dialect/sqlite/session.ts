import { sql } from 'kysely';

import type { AnyEntity } from '../../../policy/pass-options.ts';
import type { TableName } from '../../stored/columns.ts';
import type { Advice } from '../advice.ts';
import type { BatchLock } from '../batch-lock.ts';
import type { Catalog } from '../catalog.ts';
import type { Session, Tx } from '../dialect.ts';
import type { EntityReader } from '../entity-reader.ts';
import type { Facts } from '../facts.ts';
import type { LedgerStore } from '../ledger-store.ts';
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
import { SqliteBatchLock } from './batch-lock.ts';
import type { Connection } from './connection.ts';
import { readEntities } from './entities.ts';
import { outOfTime } from './errors.ts';
import { createFacts } from './facts.ts';
import type { OpenTransaction, SqliteFile } from './file.ts';
import { holdKey, isKeyHeld } from './held-keys.ts';
import { quoteIdentifier } from './identifiers.ts';
import { createLedgerStore } from './ledger/store.ts';
import { SqlitePreviewQuery } from './preview/query.ts';
import { dropPreviewTables } from './preview/tables.ts';
import { SqliteReclaim } from './reclaim.ts';
import { ROW_SQL } from './rows.ts';
import { SqliteScan } from './scan.ts';
import { createSizes } from './sizes.ts';
import { createSurvey } from './survey.ts';
import { createTables } from './tables.ts';
import { VIEW } from './view.ts';

/** The pacer aims at 0.6 of it: with the write lock held for 25 ms at a time nobody waits for long. */
const MAX_BATCH_MILLIS = 40;

/** An open SQLite file. Its ledger is in the same file, so that it commits with the deletes. */
export class SqliteSession implements Session {
  protected readonly file: SqliteFile;
  protected readonly connection: Connection;
  readonly advice: Advice = SQLITE_ADVICE;
  readonly maxBatchMillis = MAX_BATCH_MILLIS;
  readonly facts: Facts;
  readonly tables: Tables;
  readonly ledger: LedgerStore;
  readonly sizes: Sizes;
  readonly reclaim: Reclaim;
  readonly survey: Survey;

  constructor(file: SqliteFile, connection: Connection = file) {
    this.file = file;
    this.connection = connection;
    this.facts = createFacts(connection, file.path);
    this.tables = createTables(connection);
    this.ledger = createLedgerStore(connection, file);
    this.sizes = createSizes(connection);
    this.reclaim = new SqliteReclaim(file);
    this.survey = createSurvey(connection);
  }

  async transaction<T>(limits: TransactionLimits, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.file.write(limits, async (tx) => work(new SqliteTx(this.file, tx)));
  }

  async snapshot<T>(_limits: TransactionLimits, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.file.read(async (tx) => {
      const result = await work(new SqliteTx(this.file, tx));
      await dropPreviewTables(tx);
      return result;
    });
  }

  async isKeyHeld(key: string): Promise<boolean> {
    return isKeyHeld(this.file.path, key);
  }

  async holdKey(key: string): Promise<() => Promise<void>> {
    return holdKey(this.file.path, key);
  }

  readEntities(entities: readonly AnyEntity[]): EntityReader {
    return readEntities(entities, this.file.orm);
  }

  view(options: ViewOptions = {}): View {
    return createView(VIEW, this.connection, options);
  }

  startPreview(catalog: Catalog, holds: Holds | undefined): PreviewQuery {
    return new SqlitePreviewQuery(this.connection, catalog, holds);
  }
}

/** A transaction on a SQLite file. */
class SqliteTx extends SqliteSession implements Tx {
  readonly #tx: OpenTransaction;
  readonly batchLock: BatchLock;
  readonly scan: ScanRows;
  readonly rows: Rows;

  constructor(file: SqliteFile, tx: OpenTransaction) {
    super(file, tx);
    this.#tx = tx;
    this.batchLock = new SqliteBatchLock(tx);
    this.scan = new SqliteScan(tx);
    this.rows = new SqlRows(ROW_SQL, tx);
  }

  async tryAndUndo<T>(work: () => Promise<T>): Promise<T> {
    await this.#tx.run(sql`savepoint try_and_undo`);
    try {
      return await work();
    } finally {
      await this.#tx.run(sql`rollback to savepoint try_and_undo`);
      await this.#tx.run(sql`release savepoint try_and_undo`);
    }
  }

  async cancelOn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (signal === undefined) return work();
    signal.throwIfAborted();
    let goOn: (() => void) | undefined;
    const cancel = (): void => {
      goOn = this.#tx.channel.cancel();
    };
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await work();
    } finally {
      signal.removeEventListener('abort', cancel);
      goOn?.();
    }
  }

  /** SQLite has no limit for a statement: what a batch reads is bounded instead, and previews can be cancelled. */
  async limitStatements(): Promise<void> {
    return undefined;
  }

  async enforceDeadline(deadline: Deadline | undefined): Promise<void> {
    if (deadline !== undefined && performance.now() > deadline.at) throw outOfTime();
  }
}

/** Statements for SQLite. */
const SQLITE_ADVICE: Advice = {
  suggestIndex: ({ name }: TableName, column: string) =>
    `create index ${quoteIdentifier(`${name}_${column}`)} on ${quoteIdentifier(name)} (${quoteIdentifier(column)});`,
  suggestRebuild: (index: string) => `reindex ${quoteIdentifier(index)};`,
  suggestVacuum: () => 'vacuum;',
  suggestGrants: () => 'give the user of this process the right to write the file and its folder',
};
