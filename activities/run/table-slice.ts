import { setTimeout as sleep } from 'node:timers/promises';

import { Context } from '@temporalio/activity';

import type { Pass } from '../../policy/pass.ts';
import type { LimitReached, SliceResult } from '../contract.ts';
import { readShardProgress } from '../ledger/live-progress.ts';
import { noteInterrupted } from '../ledger/runs.ts';
import type { TableKind } from '../passes/pass.ts';
import type { Position } from '../stored/batch.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { StoredPass, StoredTablePass } from '../stored/pass.ts';
import { TooManyRows } from './batch.ts';
import { findCurrentRun, shouldStop } from './current-run.ts';
import { withHeartbeat } from './heartbeat.ts';
import { RunLimits } from './limits.ts';
import { BatchMetrics } from './metrics.ts';
import type { RecordedTable, TableWork } from './record-table.ts';
import { recordTable } from './record-table.ts';
import { findResumePosition } from './resume-shard.ts';

/** A slice of a pass that works on whole tables. */
interface TableSlice extends TableWork {
  /** The pass as this worker's policy has it now. */
  readonly policyPass: Pass | undefined;
}

/** How long to leave another attempt of this slice alone before looking again, in milliseconds. */
const SHARD_BUSY_PAUSE = 250;

/**
 * Runs one slice of such a pass: one table, with a row in the ledger. A pause of the workflow takes effect after it, since
 * the workflow does not cancel the slice then. If the slice is cancelled, its statement ends on the server.
 */
export async function runTableSlice(
  kind: TableKind<Pass, StoredPass>,
  slice: TableSlice,
): Promise<SliceResult> {
  const { database, request, run, pass } = slice;
  const { session, ledger } = database;
  // A statement that started and has no end belongs to an attempt that died.
  await noteInterrupted(ledger, run.id);
  let position = await findResumePosition(ledger, request);
  let limit: LimitReached | undefined;
  let longestMillis = 0;
  if (position?.done !== true) {
    const limits = await RunLimits.read(ledger, run);
    limit = pass.stored.counted.length > 0 ? limits.findReached() : limits.findTimeReached();
    try {
      if (limit === undefined) {
        const { maxInAll } = limits.budget(1);
        const worked = await withHeartbeat(async (signal) =>
          runTable(kind, slice, position, maxInAll, signal),
        );
        position = worked.position;
        longestMillis = worked.transactionMillis;
      }
    } catch (error) {
      if (!(error instanceof TooManyRows)) throw error;
      limits.fill();
      limit = limits.findReached();
    }
  }
  const { pass: ordinal, shard, round } = request;
  const key = { run: run.id, pass: ordinal, shard };
  return {
    ...(await session.ledger.batches.sumRound(key, round)),
    progress: await readShardProgress(ledger, key),
    done: position?.done === true,
    longestMillis,
    ...(limit === undefined ? {} : { limit }),
  };
}

/** Where a slice stands. */
interface Worked {
  readonly position: Position | undefined;
  /** How long the transaction took that removed a table; 0 if none did. */
  readonly transactionMillis: number;
}

/** Works on the next table. Returns the position after it, or as another attempt has left it. */
async function runTable(
  kind: TableKind<Pass, StoredPass>,
  slice: TableSlice,
  position: Position | undefined,
  maxRows: number,
  signal: AbortSignal,
): Promise<Worked> {
  const nothing = { position, transactionMillis: 0 };
  if (shouldStop(Context.current())) return nothing;
  const { database, request, run, pass, policyPass } = slice;
  const stored = pass.stored as StoredTablePass;
  const n = readTableNumber(position?.cursor ?? null);
  const table = stored.tables[n];
  if (table === undefined) throw new Error(`pass ${pass.name} has no table ${n}`);
  const started = performance.now();
  let recorded: RecordedTable | undefined;
  const sequence = (position?.sequence ?? 0) + 1;
  const next = { table: n + 1 };
  const done = n + 1 >= stored.tables.length;
  try {
    const { session, ledger } = database;
    const step = { session, ledger, run: run.id, pass: request.pass, table, first: n === 0 };
    const outcome = await kind.runTable(stored, { ...step, policyPass, signal });
    const millis = performance.now() - started;
    recorded = await recordTable(slice, { sequence, cursor: next, done, millis }, outcome, maxRows);
  } catch (error) {
    // A statement that a stop cancelled is no failure of its own.
    if (!(error instanceof TooManyRows) && shouldStop(Context.current())) return nothing;
    throw error;
  }
  if (recorded !== undefined) {
    const { rows, bytes, transactionMillis } = recorded;
    new BatchMetrics(run.policy, pass.name).recordTable(performance.now() - started, bytes, rows);
    return { position: { sequence, round: request.round, cursor: next, done, size: 0 }, transactionMillis };
  }
  await findCurrentRun(database.ledger, request);
  await sleep(SHARD_BUSY_PAUSE);
  return { ...nothing, position: await findResumePosition(database.ledger, request) };
}

/** The number of the table at a cursor. */
function readTableNumber(cursor: Cursor): number {
  return cursor !== null && 'table' in cursor ? cursor.table : 0;
}
