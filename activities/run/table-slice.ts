import { setTimeout as sleep } from 'node:timers/promises';

import { Context } from '@temporalio/activity';

import type { Pass } from '../../policy/pass.ts';
import type { LimitReached, SliceRequest, SliceResult } from '../contract.ts';
import { readShardProgress } from '../ledger/live-progress.ts';
import type { Database } from '../ledger/open-database.ts';
import { noteInterrupted } from '../ledger/runs.ts';
import type { TableKind, TableOutcome } from '../passes/pass.ts';
import type { Position } from '../stored/batch.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { StoredPass, StoredTablePass } from '../stored/pass.ts';
import type { OpenPass, OpenRun } from '../stored/run.ts';
import { findCurrentRun, shouldStop } from './current-run.ts';
import { withHeartbeat } from './heartbeat.ts';
import { RunLimits } from './limits.ts';
import { BatchMetrics } from './metrics.ts';
import { findResumePosition } from './resume-shard.ts';

/** A slice of a pass that works on whole tables. */
export interface TableSlice {
  readonly database: Database;
  readonly request: SliceRequest;
  readonly run: OpenRun;
  readonly pass: OpenPass;
  /** The pass as this worker's policy has it now. */
  readonly policyPass: Pass | undefined;
}

/** How long to leave another attempt of this slice alone before looking again, in milliseconds. */
const FENCED_PAUSE = 250;
const LIMITS = { lockMillis: 5_000, statementMillis: 30_000 };

/**
 * Runs one slice of such a pass: one table, with a row in the ledger. A pause of the workflow takes effect after it, since
 * the workflow does not cancel the slice then. If the slice is cancelled, its statement ends on the server.
 */
export async function runTableSlice(
  kind: TableKind<Pass, StoredPass>,
  slice: TableSlice,
): Promise<SliceResult> {
  const { database, request, run } = slice;
  const { session, ledger } = database;
  // A statement that started and has no end belongs to an attempt that died.
  await noteInterrupted(ledger, run.id);
  let position = await findResumePosition(ledger, request);
  let limit: LimitReached | undefined;
  if (position?.done !== true) {
    limit = (await RunLimits.read(ledger, run)).findTimeReached();
    if (limit === undefined) {
      position = await withHeartbeat(async (signal) => runTable(kind, slice, position, signal));
    }
  }
  const { run: runId, pass, shard, round } = request;
  const key = { run: runId, pass, shard };
  return {
    ...(await session.ledger.batches.sumRound(key, round)),
    progress: await readShardProgress(ledger, key),
    done: position?.done === true,
    longestMillis: 0,
    ...(limit === undefined ? {} : { limit }),
  };
}

/** Works on the next table. Returns the position after it, or as another attempt has left it. */
async function runTable(
  kind: TableKind<Pass, StoredPass>,
  slice: TableSlice,
  position: Position | undefined,
  signal: AbortSignal,
): Promise<Position | undefined> {
  if (shouldStop(Context.current())) return position;
  const { database, request, run, pass, policyPass } = slice;
  const stored = pass.stored as StoredTablePass;
  const n = readTableNumber(position?.cursor ?? null);
  const table = stored.tables[n];
  if (table === undefined) throw new Error(`pass ${pass.name} has no table ${n}`);
  const started = performance.now();
  let outcome: TableOutcome;
  try {
    const { session, ledger } = database;
    const step = { session, ledger, run: run.id, pass: request.pass, table, first: n === 0 };
    outcome = await kind.runTable(stored, { ...step, policyPass, signal });
  } catch (error) {
    // A statement that a stop cancelled is no failure of its own.
    if (shouldStop(Context.current())) return position;
    throw error;
  }
  const sequence = (position?.sequence ?? 0) + 1;
  const next = { table: n + 1 };
  const done = n + 1 >= stored.tables.length;
  const millis = performance.now() - started;
  if (await record(slice, { sequence, cursor: next, done, millis }, outcome)) {
    new BatchMetrics(run.policy, pass.name).recordTable(millis, outcome.bytes);
    return { sequence, round: request.round, cursor: next, done, size: 0 };
  }
  await findCurrentRun(database.ledger, request);
  await sleep(FENCED_PAUSE);
  return findResumePosition(database.ledger, request);
}

/** The number of the table at a cursor. */
function readTableNumber(cursor: Cursor): number {
  return cursor !== null && 'table' in cursor ? cursor.table : 0;
}

/** A table that was worked on. */
interface FinishedTable {
  readonly sequence: number;
  readonly cursor: { readonly table: number };
  readonly done: boolean;
  readonly millis: number;
}

/** Records that a table is done; false if another attempt has, or the run is closed. */
async function record(
  { database: { session, ledger }, request, run, pass }: TableSlice,
  { sequence, cursor, done, millis }: FinishedTable,
  { bytes, notes, record: recordMore }: TableOutcome,
): Promise<boolean> {
  const shardKey = ledger.lockKey('shard', run.policy, pass.name, request.shard);
  const runKey = ledger.lockKey('run', run.id);
  return session.transaction(LIMITS, async (tx) => {
    const { entered, counters } = await tx.fence.enterBatch(shardKey, runKey, []);
    if (!entered) return false;
    const { run: runId, pass: ordinal, shard, round } = request;
    const batch = { run: runId, pass: ordinal, shard, sequence, round, size: 0, counters, millis };
    const result = { skipped: 0, moved: 0, cursor, done, bytes };
    if ((await tx.ledger.batches.record(batch, result)) === undefined) return false;
    await recordMore?.(tx);
    await tx.ledger.runs.addNotes(
      run.id,
      notes.map((note) => ({ ...note, what: `pass ${pass.name}: ${note.what}` })),
    );
    return true;
  });
}
