import { Context, heartbeat, log } from '@temporalio/activity';

import type { Policy } from '../../policy/policy.ts';
import type { Cursor } from '../batch/cursor.ts';
import type { Prepared } from '../batch/outside.ts';
import { Pacer } from '../batch/pacer.ts';
import { prepareBatch } from '../batch/prepare-batch.ts';
import type { BatchDone, BatchPlace } from '../batch/run-batch.ts';
import { runBatch, TooManyRows } from '../batch/run-batch.ts';
import { Setbacks } from '../batch/setbacks.ts';
import type { LimitReached, SliceRequest, SliceResult } from '../contract.ts';
import type { Database } from '../database/database.ts';
import type { Position, ShardKey } from '../ledger/batches.ts';
import { totalOf } from '../ledger/batches.ts';
import { readShardProgress } from '../ledger/live-progress.ts';
import type { OpenPass, OpenRun } from '../ledger/runs.ts';
import { readFrozenPass } from '../ledger/runs.ts';
import { BatchMetrics } from '../metrics/batches.ts';
import type { Shard } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { RunContext } from './context.ts';
import { RunLimits } from './limits.ts';
import { closed, findOwnPosition, findOwnRun, isAskedToStop } from './own-run.ts';
import { runTables } from './tables.ts';

/** How long to leave the others before the batch is tried again, in milliseconds. */
const SETBACK_PAUSE = 100;
/** How long to leave another attempt of this slice before looking again, in milliseconds. */
const FENCED_PAUSE = 250;

/**
 * One slice: batches of one shard, one after the other, a heartbeat after each, until the shard is done, the budget
 * is used up or the workflow asks to stop. Goes on where the ledger says, whatever happened to earlier attempts.
 *
 * Asked to stop by the workflow it answers what it did, as after any slice. A pause by the operator of the activity
 * or a worker that goes down ends it with a failure that Temporal tries again.
 */
export async function runSlice(context: RunContext, request: SliceRequest): Promise<SliceResult> {
  const policy = context.policies.find(({ name }) => name === request.policy);
  const database = await context.databases.named(request.database);
  const run = await findOwnRun(database.ledger, request);
  const pass = await readFrozenPass(database.ledger, run.id, request.pass);
  const shard = pass?.shards[request.shard];
  if (pass === undefined || shard === undefined) throw closed(run.id);
  const work = workOf(pass.frozen.kind);
  if ('runTable' in work) {
    const policyPass = policy?.passes.find(({ name }) => name === pass.name);
    return runTables(work, { database, request, run, pass, policyPass });
  }
  const metrics = new BatchMetrics(run.policy, pass.name);
  return new Slice(database, request, policy, metrics).run(run, pass, shard);
}

class Slice {
  readonly #database: Database;
  readonly #request: SliceRequest;
  /** As this worker has it now. */
  readonly #policy: Policy | undefined;
  readonly #key: ShardKey;
  readonly #metrics: BatchMetrics;
  readonly #activity = Context.current();
  readonly #setbacks = new Setbacks();
  #position: Position | undefined;
  #longestMillis = 0;
  #batches = 0;

  constructor(database: Database, request: SliceRequest, policy: Policy | undefined, metrics: BatchMetrics) {
    this.#database = database;
    this.#request = request;
    this.#policy = policy;
    this.#metrics = metrics;
    const { run, pass, shard } = request;
    this.#key = { run, pass, shard };
  }

  async run(run: OpenRun, pass: OpenPass, shard: Shard): Promise<SliceResult> {
    this.#position = await findOwnPosition(this.#database.ledger, this.#request);

    const { policy } = run;
    const { round } = this.#request;
    const place = { key: this.#key, policy, passName: pass.name, frozen: pass.frozen, round };
    const { targetMillis, sliceSeconds, sliceBatches } = run.settings;
    const pacer = new Pacer(targetMillis, pass.frozen.familySize, this.#position?.size);
    const seconds = Math.min(this.#request.seconds ?? sliceSeconds, sliceSeconds);
    const until = performance.now() + seconds * 1000;
    const limits = await RunLimits.of(this.#database.ledger, run);
    let limit: LimitReached | undefined;
    while (!this.#isDone() && !isAskedToStop(this.#activity)) {
      limit = limits.reached();
      if (limit !== undefined) break;
      const done = await this.#batch(run, place, shard, pacer, limits);
      if (done === undefined) continue;
      this.#batches += 1;
      if (this.#batches >= (sliceBatches ?? Infinity) || performance.now() >= until) break;
      if (run.settings.pauseMillis > 0) await this.#rest(run.settings.pauseMillis);
    }
    return this.#result(limit);
  }

  #isDone(): boolean {
    return this.#position?.round === this.#request.round && this.#position.done;
  }

  /** The cursor of this round: an earlier round's end is not this one's begin. */
  #cursor(): Cursor {
    return this.#position?.round === this.#request.round ? this.#position.cursor : null;
  }

  /** One batch, tried until it goes through; undefined where another attempt came first. */
  async #batch(
    run: OpenRun,
    place: BatchPlace,
    shard: Shard,
    pacer: Pacer,
    limits: RunLimits,
  ): Promise<BatchDone | undefined> {
    const prepared = await this.#prepare(place);
    for (;;) {
      const { careful, passOver, part } = this.#setbacks.approach;
      const room = limits.roomFor(Math.max(1, Math.round(pacer.size * part)));
      const step = {
        shard,
        cursor: this.#cursor(),
        size: room.size,
        mostRows: Math.min(run.settings.mostRows ?? Infinity, room.mostRows),
        giant: Math.min(pacer.giant, room.giant),
        bite: Math.min(pacer.bite, room.mostInAll),
        familySize: pacer.familySize,
        reach: pacer.reach,
        careful: careful || room.careful,
        passOver,
        ...(prepared === undefined ? {} : { prepared }),
      };
      const started = performance.now();
      try {
        const { targetMillis } = run.settings;
        const done = await runBatch(
          this.#database,
          place,
          this.#position,
          step,
          targetMillis,
          room.mostInAll,
        );
        if (done === undefined) return await this.#afterFence(limits);
        limits.spend(done.rows);
        this.#metrics.batch(done);
        this.#setbacks.success(done.outcome.taken);
        pacer.learnFrom(done);
        this.#keep(done, pacer.size);
        return done;
      } catch (error) {
        // A transaction that was rolled back held its locks as well.
        this.#longestMillis = Math.max(this.#longestMillis, performance.now() - started);
        if (error instanceof TooManyRows) {
          limits.tookTooMany(room);
          return undefined;
        }
        if (readDatabaseError(error)?.verdict === 'shrink') this.#metrics.setback(error);
        if (!this.#setbacks.canGoOn(error)) throw error;
        pacer.shrink();
        this.#heartbeat();
        await pause(SETBACK_PAUSE);
        if (isAskedToStop(this.#activity)) return undefined;
      }
    }
  }

  async #prepare(place: BatchPlace): Promise<Prepared | undefined> {
    return prepareBatch(this.#database, place, this.#cursor(), {
      pass: this.#policy?.passes.find(({ name }) => name === place.passName),
      signal: this.#activity.cancellationSignal,
      heartbeat: () => this.#heartbeat(),
      debug: (error) => log.debug(`pass ${place.passName} could not deal with a row or a file`, { error }),
    });
  }

  #keep({ outcome, millis }: BatchDone, size: number): void {
    const sequence = (this.#position?.sequence ?? 0) + 1;
    const { cursor, end } = outcome;
    this.#position = { sequence, round: this.#request.round, cursor, done: end, size };
    this.#longestMillis = Math.max(this.#longestMillis, millis);
    this.#heartbeat();
  }

  /** The details say where in the ledger the shard stands; the cursor has row content and stays there. */
  #heartbeat(): void {
    heartbeat({ sequence: this.#position?.sequence ?? 0, batches: this.#batches });
  }

  async #afterFence(limits: RunLimits): Promise<undefined> {
    await findOwnRun(this.#database.ledger, this.#request);
    await pause(FENCED_PAUSE);
    this.#position = await findOwnPosition(this.#database.ledger, this.#request);
    await limits.refresh();
    this.#heartbeat();
  }

  async #rest(millis: number): Promise<void> {
    // In short naps, so that heartbeats and a request to stop get through.
    for (let left = millis; left > 0 && !this.#activity.cancellationSignal.aborted; left -= 1000) {
      await pause(Math.min(left, 1000));
      this.#heartbeat();
    }
  }

  async #result(limit: LimitReached | undefined): Promise<SliceResult> {
    const { ledger } = this.#database;
    return {
      ...(await totalOf(ledger, this.#key, this.#request.round)),
      progress: await readShardProgress(ledger, this.#key),
      done: this.#isDone(),
      longestMillis: this.#longestMillis,
      ...(limit === undefined ? {} : { limit }),
    };
  }
}

async function pause(millis: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, millis));
}
