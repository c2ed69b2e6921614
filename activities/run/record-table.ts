import { setTimeout as sleep } from 'node:timers/promises';

import { Context } from '@temporalio/activity';

import type { SliceRequest } from '../contract.ts';
import { readDatabaseError } from '../dialect/read-error.ts';
import type { Database } from '../ledger/database.ts';
import type { RemovedTable, TableOutcome } from '../steps/table-step.ts';
import type { OpenPass, OpenRun } from '../stored/run.ts';
import { TooManyRows } from './batch.ts';
import { shouldStop } from './current-run.ts';

/** A table that was worked on. */
interface FinishedTable {
  readonly sequence: number;
  readonly cursor: { readonly table: number };
  readonly done: boolean;
  /** How long the work took before it is recorded. */
  readonly millis: number;
}

/** What was recorded of a table. */
export interface RecordedTable {
  readonly rows: number;
  readonly bytes: number;
  /** How long the transaction took that removed the table; 0 if none did. */
  readonly transactionMillis: number;
}

/** What belongs to a slice of a pass that works on whole tables. */
export interface TableWork {
  readonly database: Database;
  readonly request: SliceRequest;
  readonly run: OpenRun;
  readonly pass: OpenPass;
}

const LIMITS = { lockMillis: 5_000, statementMillis: 30_000 };
/**
 * Those who write to the table wait behind a lock that is waited for. Autovacuum gives way after a second, PostgreSQL's
 * `deadlock_timeout`. Counting the rows takes as long as it takes.
 */
const REMOVAL_LIMITS = { lockMillis: 2_000, statementMillis: 0 };
/** A table that others use is left after so many tries. */
const TRIES = 3;
/** In between they get so long undisturbed, in milliseconds. */
const REST = 1_000;

/** Another attempt has recorded the table, or the run is closed: what was removed is rolled back. */
class ShardBusy extends Error {}

/**
 * Records that a table is done, and removes it in the same transaction if the pass does; undefined if another attempt has, or
 * the run is closed. Throws {@link TooManyRows} if more than `maxRows` went with it.
 */
export async function recordTable(
  work: TableWork,
  finished: FinishedTable,
  outcome: TableOutcome,
  maxRows: number,
): Promise<RecordedTable | undefined> {
  const { removal } = outcome;
  if (removal === undefined) return record(work, finished, outcome, maxRows);
  for (let tries = 1; tries <= TRIES; tries += 1) {
    try {
      return await record(work, finished, outcome, maxRows);
    } catch (error) {
      const kind = readDatabaseError(error)?.kind;
      if (kind !== 'lock' && kind !== 'deadlock' && kind !== 'timeout') throw error;
      if (shouldStop(Context.current())) throw error;
    }
    await sleep(REST, undefined, { signal: Context.current().cancellationSignal });
  }
  const remove = async (): Promise<RemovedTable> => removal.leave();
  return record(work, finished, { ...outcome, removal: { ...removal, remove } }, maxRows);
}

async function record(
  { database: { session, ledger }, request, run, pass }: TableWork,
  { sequence, cursor, done, millis }: FinishedTable,
  { bytes, notes, removal, record: recordMore }: TableOutcome,
  maxRows: number,
): Promise<RecordedTable | undefined> {
  const shardKey = ledger.lockKey('shard', run.policy, pass.name, request.shard);
  const runKey = ledger.lockKey('run', run.id);
  const started = performance.now();
  try {
    const recorded = await session.transaction(
      removal === undefined ? LIMITS : REMOVAL_LIMITS,
      async (tx) => {
        const { locked, counters, holds } = await tx.batchLock.lockShard(shardKey, runKey, []);
        if (!locked) throw new ShardBusy();
        const removed = await removal?.remove(tx, holds);
        const { deleted = {}, skipped = 0, held = 0, blocked = 0 } = removed ?? {};
        const given = bytes + (removed?.bytes ?? 0);
        const { run: runId, pass: ordinal, shard, round } = request;
        const batch = { run: runId, pass: ordinal, shard, sequence, round, size: 0, counters };
        const result = { skipped, moved: 0, held, blocked, cursor, done, bytes: given, dropped: deleted };
        const rows = await tx.ledger.batches.record(
          removal === undefined ? { ...batch, millis } : batch,
          result,
        );
        if (rows === undefined) throw new ShardBusy();
        if (rows > maxRows) throw new TooManyRows();
        await recordMore?.(tx);
        await tx.ledger.runs.addNotes(
          run.id,
          [...notes, ...(removed?.notes ?? [])].map((note) => ({
            ...note,
            what: `pass ${pass.name}: ${note.what}`,
          })),
        );
        return { rows, bytes: given };
      },
    );
    return { ...recorded, transactionMillis: removal === undefined ? 0 : performance.now() - started };
  } catch (error) {
    if (error instanceof ShardBusy) return undefined;
    throw error;
  }
}
