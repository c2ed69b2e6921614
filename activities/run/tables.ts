import { setTimeout as sleep } from 'node:timers/promises';

import { Context } from '@temporalio/activity';

import type { Pass } from '../../policy/pass.ts';
import { tableNumberOf } from '../batch/cursor.ts';
import type { LimitReached, SliceRequest, SliceResult } from '../contract.ts';
import type { Database } from '../database/database.ts';
import type { Position } from '../ledger/batches.ts';
import { recordBatch, totalOf } from '../ledger/batches.ts';
import { readShardProgress } from '../ledger/live-progress.ts';
import { addNotes } from '../ledger/notes.ts';
import { noteInterrupted } from '../ledger/reclaims.ts';
import type { OpenPass, OpenRun } from '../ledger/runs.ts';
import { BatchMetrics } from '../metrics/batches.ts';
import type { FrozenPass, TableOutcome, TableWork } from '../passes/index.ts';
import { enterBatch } from '../sql/fence.ts';
import { inTransaction } from '../sql/transaction.ts';
import { whileHeartbeating } from './heartbeating.ts';
import { RunLimits } from './limits.ts';
import { findOwnPosition, findOwnRun, isAskedToStop } from './own-run.ts';

/** What a slice of a pass that works on whole tables is about. */
export interface TableSlice {
  readonly database: Database;
  readonly request: SliceRequest;
  readonly run: OpenRun;
  readonly pass: OpenPass;
  /** The pass as this worker's policy has it now. */
  readonly policyPass: Pass | undefined;
}

/** How long to leave another attempt of this slice before looking again, in milliseconds. */
const FENCED_PAUSE = 250;
const LIMITS = { lockMillis: 5_000, statementMillis: 30_000 };

/**
 * One slice of such a pass: one table, with a row in the ledger. A pause of the workflow takes effect after it, since
 * the workflow does not cancel the slice then. What does cancel it ends the statement on the server.
 */
export async function runTables(work: TableWork<Pass, FrozenPass>, slice: TableSlice): Promise<SliceResult> {
  const { database, request, run } = slice;
  const { ledger } = database;
  // A statement that started and has no end belongs to an attempt that died.
  await noteInterrupted(ledger, run.id);
  let position = await findOwnPosition(ledger, request);
  let limit: LimitReached | undefined;
  if (position?.done !== true) {
    limit = (await RunLimits.of(ledger, run)).timeReached();
    if (limit === undefined) {
      position = await whileHeartbeating(async (signal) => runTable(work, slice, position, signal));
    }
  }
  const { run: runId, pass, shard, round } = request;
  const key = { run: runId, pass, shard };
  return {
    ...(await totalOf(ledger, key, round)),
    progress: await readShardProgress(ledger, key),
    done: position?.done === true,
    longestMillis: 0,
    ...(limit === undefined ? {} : { limit }),
  };
}

/** Works on the next table. Returns the position after it, or as another attempt has left it. */
async function runTable(
  work: TableWork<Pass, FrozenPass>,
  slice: TableSlice,
  position: Position | undefined,
  signal: AbortSignal,
): Promise<Position | undefined> {
  if (isAskedToStop(Context.current())) return position;
  const { database, request, run, pass, policyPass } = slice;
  const { cursor = null } = position ?? {};
  const n = tableNumberOf(cursor);
  const table = pass.frozen.tables?.[n];
  if (table === undefined) throw new Error(`pass ${pass.name} has no table ${n}`);
  const started = performance.now();
  let outcome: TableOutcome;
  try {
    const step = { database, run: run.id, pass: request.pass, table, first: n === 0, policyPass, signal };
    outcome = await work.runTable(pass.frozen, step);
  } catch (error) {
    // A statement that is cancelled by a stop is no failure of its own.
    if (isAskedToStop(Context.current())) return position;
    throw error;
  }
  const sequence = (position?.sequence ?? 0) + 1;
  const next = { table: n + 1 };
  const done = n + 1 >= (pass.frozen.tables?.length ?? 0);
  const millis = performance.now() - started;
  if (await keep(slice, { sequence, cursor: next, done, millis }, outcome)) {
    new BatchMetrics(run.policy, pass.name).table(millis, outcome.bytes);
    return { sequence, round: request.round, cursor: next, done, size: 0 };
  }
  await findOwnRun(database.ledger, request);
  await sleep(FENCED_PAUSE);
  return findOwnPosition(database.ledger, request);
}

interface TableDone {
  readonly sequence: number;
  readonly cursor: { readonly table: number };
  readonly done: boolean;
  readonly millis: number;
}

/** Writes that a table is done; false where another attempt has, or the run is closed. */
async function keep(
  { database: { db, ledger }, request, run, pass }: TableSlice,
  { sequence, cursor, done, millis }: TableDone,
  { bytes, notes, keep: keepMore }: TableOutcome,
): Promise<boolean> {
  const shard = ledger.lockWords('shard', run.policy, pass.name, request.shard);
  return inTransaction(db, LIMITS, async (tx) => {
    const { entered, counters } = await enterBatch(
      tx,
      shard,
      ledger.lockWords('run', run.id),
      [],
      ledger.table('hold'),
    );
    if (!entered) return false;
    const { run: runId, pass: ordinal, shard: part, round } = request;
    const key = { run: runId, pass: ordinal, shard: part, sequence, round, size: 0, counters, millis };
    const nothing = { taken: 0, skipped: 0, moved: 0 };
    const written = await recordBatch(tx, ledger, key, { ...nothing, cursor, end: done, bytes });
    if (written === undefined) return false;
    await keepMore?.(tx);
    const at = `pass ${pass.name}: `;
    await addNotes(
      tx,
      ledger,
      run.id,
      notes.map((note) => ({ ...note, what: at + note.what })),
    );
    return true;
  });
}
