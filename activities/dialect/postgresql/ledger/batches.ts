import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { BatchResult } from '../../../stored/batch.ts';
import type { BatchRecord, BatchStore } from '../../ledger-store.ts';
import { SqlBatchStore } from '../../ledger/batches.ts';
import type { Connection } from '../connection.ts';
import { ledgerTable } from '../connection.ts';
import { deletedSince } from '../deletion-counters.ts';
import { fingerprintSql } from '../fingerprints.ts';
import { createLedgerSql } from './ledger-sql.ts';

/** The batches of runs. */
export class PostgresBatchStore extends SqlBatchStore implements BatchStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super(createLedgerSql(connection));
    this.#connection = connection;
  }

  async record(record: BatchRecord, result: BatchResult): Promise<number | undefined> {
    const { rows } = await sql<{ rows: number }>`
      insert into ${ledgerTable(this.#connection, 'batch')}
        (run_id, pass, shard, sequence, round, rows, deleted, moved, skipped, held, blocked, cursor, done, size, bytes, files,
        millis, reported)
      select
        r.id, ${record.pass}::int, ${record.shard}::int, ${record.sequence}::int, ${record.round}::int,
        (select coalesce(sum(value::float8), 0) from jsonb_each_text(d.deleted)), d.deleted,
        ${result.moved}::float8, ${result.skipped}::float8, ${result.held ?? 0}::float8,
        ${result.blocked ?? 0}::float8,
        ${JSON.stringify(result.cursor)}::jsonb, ${result.done}::boolean, ${record.size}::int,
        ${result.bytes ?? 0}::float8, ${result.files ?? 0}::float8,
        coalesce(${record.millis ?? null}::float8, 1000 * extract(epoch from clock_timestamp() - now())),
        ${result.reported === undefined ? null : JSON.stringify(result.reported)}::jsonb
      from ${ledgerTable(this.#connection, 'run')} as r
      cross join (
        select ${deletedSince(record.counters)} || ${JSON.stringify(result.dropped ?? {})}::jsonb as deleted) as d
      where r.id = ${record.run} and r.ended_at is null and ${isUnchanged(record)}
      on conflict do nothing
      returning rows`.execute(this.#connection.db);
    return rows[0]?.rows;
  }
}

/**
 * The tables are as they were when the run started; for use inside a statement after the deletes. Nobody can add a foreign
 * key, a trigger or a rule to a table from which this transaction has deleted, until it ends.
 */
function isUnchanged({ unchanged }: BatchRecord): RawBuilder<boolean> {
  if (unchanged === undefined) return sql`true`;
  return sql`${fingerprintSql(unchanged)} = ${unchanged.fingerprint}`;
}
