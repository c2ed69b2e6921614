import { setTimeout as sleep } from 'node:timers/promises';

import { Context, heartbeat, log } from '@temporalio/activity';

import type { Policy } from '../../policy/policy.ts';
import type { LimitReached, SliceRequest, SliceResult } from '../contract.ts';
import { readDatabaseError } from '../dialect/read-error.ts';
import type { Database } from '../ledger/database.ts';
import { readShardProgress } from '../ledger/live-progress.ts';
import { findKind } from '../passes/index.ts';
import type { BatchKind } from '../passes/pass.ts';
import type { PreparedWork } from '../steps/batch-step.ts';
import type { Position, ShardKey } from '../stored/batch.ts';
import type { Cursor } from '../stored/cursor.ts';
import type { OpenPass, OpenRun } from '../stored/run.ts';
import type { Shard } from '../stored/scan.ts';
import type { BatchShard, CommittedBatch } from './batch.ts';
import { runBatch, TooManyRows } from './batch.ts';
import { BlockedRows } from './blocked-rows.ts';
import type { RunContext } from './context.ts';
import { createClosedFailure, findCurrentRun, shouldStop } from './current-run.ts';
import { withHeartbeat } from './heartbeat.ts';
import { RunLimits } from './limits.ts';
import { BatchMetrics } from './metrics.ts';
import { Pacer } from './pacer.ts';
import { renewPass } from './renew-pass.ts';
import { findResumePosition } from './resume-shard.ts';
import { RetryLadder } from './retry-ladder.ts';
import { runTableSlice } from './table-slice.ts';

/** How long to leave other sessions alone before the batch is tried again, in milliseconds. */
const RETRY_PAUSE = 100;
/** How long to leave another attempt of this slice alone before looking again, in milliseconds. */
const SHARD_BUSY_PAUSE = 250;

/**
 * Runs one slice: batches of one shard, one after the other, a heartbeat after each, until the shard is done, the budget
 * is used up or the workflow asks to stop. Continues where the ledger says, whatever happened to earlier attempts.
 *
 * If the workflow asks to stop it returns what it did, as after any slice. A pause of the activity by an operator or a
 * worker that shuts down ends it with a failure that Temporal tries again.
 */
export async function runSlice(context: RunContext, request: SliceRequest): Promise<SliceResult> {
  const policy = context.policies.find(({ name }) => name === request.policy);
  const database = await context.databases.named(request.database);
  const run = await findCurrentRun(database.ledger, request);
  const pass = await database.session.ledger.runs.readPass(run.id, request.pass);
  const shard = pass?.shards[request.shard];
  if (pass === undefined || shard === undefined) throw createClosedFailure(run.id);
  const kind = findKind(pass.stored.kind);
  if ('runTable' in kind) {
    const policyPass = policy?.passes.find(({ name }) => name === pass.name);
    return runTableSlice(kind, { database, request, run, pass, policyPass });
  }
  const metrics = new BatchMetrics(run.policy, pass.name);
  return new Slice(database, request, policy, metrics).run(kind, run, pass, shard);
}

class Slice {
  readonly #database: Database;
  readonly #request: SliceRequest;
  /** As this worker has it now. */
  readonly #policy: Policy | undefined;
  readonly #key: ShardKey;
  readonly #metrics: BatchMetrics;
  readonly #activity = Context.current();
  readonly #ladder = new RetryLadder();
  readonly #blocked: BlockedRows;
  #position: Position | undefined;
  #longestMillis = 0;
  #batches = 0;

  constructor(database: Database, request: SliceRequest, policy: Policy | undefined, metrics: BatchMetrics) {
    this.#database = database;
    this.#request = request;
    this.#policy = policy;
    this.#metrics = metrics;
    this.#blocked = new BlockedRows(database.ledger);
    const { run, pass, shard } = request;
    this.#key = { run, pass, shard };
  }

  async run(kind: BatchKind, run: OpenRun, pass: OpenPass, shard: Shard): Promise<SliceResult> {
    this.#position = await findResumePosition(this.#database.ledger, this.#request);

    const { policy } = run;
    const { round } = this.#request;
    let at: BatchShard = { kind, key: this.#key, policy, passName: pass.name, stored: pass.stored, round };
    const { targetMillis, sliceSeconds, sliceBatches } = run.settings;
    const { maxBatchMillis = Infinity } = this.#database.session;
    const pacer = new Pacer(
      Math.min(targetMillis, maxBatchMillis),
      pass.stored.rowsPerParent,
      this.#position?.size,
    );
    const seconds = Math.min(this.#request.seconds ?? sliceSeconds, sliceSeconds);
    const until = performance.now() + seconds * 1000;
    const limits = await RunLimits.read(this.#database.ledger, run);
    let limit: LimitReached | undefined;
    while (!this.#isDone() && !shouldStop(this.#activity)) {
      limit = limits.findReached();
      if (limit !== undefined) break;
      const done = await this.#runBatch(run, at, shard, pacer, limits).catch(async (error: unknown) => {
        at = await withHeartbeat(async () => renewPass(this.#database, this.#policy, run, at, error));
      });
      if (done === undefined) continue;
      this.#batches += 1;
      if (this.#batches >= (sliceBatches ?? Infinity) || performance.now() >= until) break;
      if (run.settings.pauseMillis > 0) await this.#pause(run.settings.pauseMillis);
    }
    return this.#readResult(limit);
  }

  #isDone(): boolean {
    return this.#position?.round === this.#request.round && this.#position.done;
  }

  /** The cursor of this round: the end of an earlier round is not the start of this one. */
  #cursor(): Cursor {
    return this.#position?.round === this.#request.round ? this.#position.cursor : null;
  }

  /** Runs one batch, tried until it is committed; undefined if another attempt came first. */
  async #runBatch(
    run: OpenRun,
    at: BatchShard,
    shard: Shard,
    pacer: Pacer,
    limits: RunLimits,
  ): Promise<CommittedBatch | undefined> {
    const prepared = await this.#prepare(at);
    for (;;) {
      const { lockFirst, skipFirstRow, isolate, part } = this.#ladder.approach;
      const budget = limits.budget(Math.max(1, Math.round(pacer.size * part)));
      const step = {
        shard,
        cursor: this.#cursor(),
        size: budget.size,
        maxRows: Math.min(run.settings.maxRows ?? Infinity, budget.maxRows),
        oversized: Math.min(pacer.oversized, budget.oversized),
        chunk: Math.min(pacer.chunk, budget.maxInAll),
        rowsPerParent: pacer.rowsPerParent,
        readFactor: pacer.readFactor,
        lockFirst: lockFirst || budget.lockFirst,
        skipFirstRow,
        isolate,
        ...(prepared === undefined ? {} : { prepared }),
      };
      const started = performance.now();
      try {
        const { targetMillis } = run.settings;
        const { maxInAll } = budget;
        const done = await runBatch(this.#database, at, this.#position, step, targetMillis, maxInAll);
        if (done === undefined) return await this.#waitForOtherAttempt(limits);
        limits.spend(done.rows);
        this.#metrics.recordBatch(done);
        this.#ladder.succeed(done.outcome.taken);
        pacer.learnFrom(done);
        this.#moveOn(done, pacer.size);
        await this.#blocked.note(at, done.outcome);
        return done;
      } catch (error) {
        const database = readDatabaseError(error);
        // Nothing was done, and nothing is wrong: somebody else writes.
        if (database?.kind === 'busy') {
          this.#heartbeat();
          if (shouldStop(this.#activity)) return undefined;
          continue;
        }
        // A transaction that was rolled back held its locks as well.
        this.#longestMillis = Math.max(this.#longestMillis, performance.now() - started);
        if (error instanceof TooManyRows) {
          limits.reduce(budget);
          return undefined;
        }
        if (database?.verdict === 'shrink') this.#metrics.recordSetback(error);
        if (!this.#ladder.canRetry(error)) throw error;
        if (database?.verdict === 'shrink') pacer.shrink();
        this.#heartbeat();
        await sleep(RETRY_PAUSE);
        if (shouldStop(this.#activity)) return undefined;
      }
    }
  }

  /** Does what the kind of pass has to do before a batch, outside of its transaction; nothing for most kinds. */
  async #prepare({ kind, key, policy, passName, stored }: BatchShard): Promise<PreparedWork | undefined> {
    return kind.prepare?.(stored, this.#cursor(), {
      session: this.#database.session,
      outbox: { policy, pass: passName, run: key.run },
      pass: this.#policy?.passes.find(({ name }) => name === passName),
      signal: this.#activity.cancellationSignal,
      heartbeat: () => this.#heartbeat(),
      debug: (error) => log.debug(`pass ${passName} failed at a row or a file`, { error }),
    });
  }

  #moveOn({ outcome, millis }: CommittedBatch, size: number): void {
    const sequence = (this.#position?.sequence ?? 0) + 1;
    const { cursor, done } = outcome;
    this.#position = { sequence, round: this.#request.round, cursor, done, size };
    this.#longestMillis = Math.max(this.#longestMillis, millis);
    this.#heartbeat();
  }

  /** The details tell where in the ledger the shard stands; the cursor has row content and stays there. */
  #heartbeat(): void {
    heartbeat({ sequence: this.#position?.sequence ?? 0, batches: this.#batches });
  }

  async #waitForOtherAttempt(limits: RunLimits): Promise<undefined> {
    await findCurrentRun(this.#database.ledger, this.#request);
    await sleep(SHARD_BUSY_PAUSE);
    this.#position = await findResumePosition(this.#database.ledger, this.#request);
    await limits.refresh();
    this.#heartbeat();
  }

  async #pause(millis: number): Promise<void> {
    // In short parts, so that heartbeats and a request to stop get through.
    for (let left = millis; left > 0 && !this.#activity.cancellationSignal.aborted; left -= 1000) {
      await sleep(Math.min(left, 1000));
      this.#heartbeat();
    }
  }

  async #readResult(limit: LimitReached | undefined): Promise<SliceResult> {
    const { ledger } = this.#database;
    return {
      ...(await ledger.session.ledger.batches.sumRound(this.#key, this.#request.round)),
      progress: await readShardProgress(ledger, this.#key),
      done: this.#isDone(),
      longestMillis: this.#longestMillis,
      ...(limit === undefined ? {} : { limit }),
    };
  }
}
