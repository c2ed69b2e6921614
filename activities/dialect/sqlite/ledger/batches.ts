import { sql } from 'kysely';

import type { BatchResult } from '../../../stored/batch.ts';
import type { BatchRecord, BatchStore } from '../../ledger-store.ts';
import { SqlBatchStore } from '../../ledger/batches.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';
import { readDeleted } from '../deletion-counters.ts';
import { readFingerprint } from '../fingerprints.ts';
import { createLedgerSql } from './ledger-sql.ts';

/** The batches of runs. */
export class SqliteBatchStore extends SqlBatchStore implements BatchStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super(createLedgerSql(connection));
    this.#connection = connection;
  }

  async record(record: BatchRecord, result: BatchResult): Promise<number | undefined> {
    const { unchanged } = record;
    if (unchanged !== undefined) {
      const fingerprint = await readFingerprint(this.#connection, unchanged.tables);
      if (fingerprint !== unchanged.fingerprint) return undefined;
    }
    const deleted = { ...(await readDeleted(this.#connection, record.counters)), ...result.dropped };
    const rows = Object.values(deleted).reduce((sum, count) => sum + count, 0);
    const { changes } = await this.#connection.run(sql`
      insert into ${ledgerTable(this.#connection, 'batch')}
        (run_id, pass, shard, sequence, round, rows, deleted, moved, skipped, held, blocked, cursor, done, size, bytes, files,
        millis, at, reported)
      select
        r.id, ${record.pass}, ${record.shard}, ${record.sequence}, ${record.round},
        ${rows}, ${JSON.stringify(deleted)},
        ${result.moved}, ${result.skipped}, ${result.held ?? 0}, ${result.blocked ?? 0},
        ${result.cursor === null ? null : JSON.stringify(result.cursor)}, ${result.done}, ${record.size},
        ${result.bytes ?? 0}, ${result.files ?? 0},
        ${record.millis ?? this.#millisSinceStart()}, ${Date.now()},
        ${result.reported === undefined ? null : JSON.stringify(result.reported)}
      from ${ledgerTable(this.#connection, 'run')} as r
      where r.id = ${record.run} and r.ended_at is null
      on conflict do nothing`);
    return changes === 0 ? undefined : rows;
  }

  /** How long the transaction has held the write lock. */
  #millisSinceStart(): number {
    return performance.now() - (this.#connection.startedAt ?? performance.now());
  }
}
