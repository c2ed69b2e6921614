import { Context, heartbeat, log } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import type { Policy } from '../../policy/policy.ts';
import { Pacer } from '../batch/pacer.ts';
import { prepareBatch } from '../batch/prepare-batch.ts';
import type { BatchDone, BatchPlace } from '../batch/run-batch.ts';
import { runBatch } from '../batch/run-batch.ts';
import { Setbacks } from '../batch/setbacks.ts';
import { walkedPart } from '../batch/walked.ts';
import type { SliceRequest, SliceResult } from '../contract.ts';
import type { Database } from '../database/database.ts';
import { FAILURE } from '../failure.ts';
import type { Position, ShardKey } from '../ledger/batches.ts';
import { findPosition, totalOf } from '../ledger/batches.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { findOpenRun, readFrozenPass } from '../ledger/runs.ts';
import type { Cursor, Prepared, Shard } from '../passes/index.ts';
import type { RunContext } from './context.ts';
import { ownWorkflowId } from './place.ts';

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
  return new Slice(await context.databases.named(request.database), request, policy).run();
}

class Slice {
  readonly #database: Database;
  readonly #request: SliceRequest;
  /** As this worker has it now. */
  readonly #policy: Policy | undefined;
  readonly #key: ShardKey;
  readonly #activity = Context.current();
  readonly #setbacks = new Setbacks();
  #position: Position | undefined;
  #longestMillis = 0;
  #batches = 0;

  constructor(database: Database, request: SliceRequest, policy: Policy | undefined) {
    this.#database = database;
    this.#request = request;
    this.#policy = policy;
    const { run, pass, shard } = request;
    this.#key = { run, pass, shard };
  }

  async run(): Promise<SliceResult> {
    const { ledger } = this.#database;
    const run = await this.#openRun();
    const pass = await readFrozenPass(ledger, run.id, this.#request.pass);
    const shard = pass?.shards[this.#request.shard];
    if (pass === undefined || shard === undefined) throw closed(run.id);
    this.#position = await this.#findPosition();

    const { policy } = run;
    const { round } = this.#request;
    const place = { key: this.#key, policy, passName: pass.name, frozen: pass.frozen, round };
    const { targetMillis, sliceSeconds, sliceBatches } = run.settings;
    const pacer = new Pacer(targetMillis, pass.frozen.familySize, this.#position?.size);
    const until = performance.now() + sliceSeconds * 1000;
    while (!this.#isDone() && !this.#isAskedToStop()) {
      const done = await this.#batch(run, place, shard, pacer);
      if (done === undefined) continue;
      this.#batches += 1;
      if (this.#batches >= (sliceBatches ?? Infinity) || performance.now() >= until) break;
      if (run.settings.pauseMillis > 0) await this.#rest(run.settings.pauseMillis);
    }
    return this.#result(shard);
  }

  async #openRun(): Promise<OpenRun> {
    const { run, policy } = this.#request;
    const open = await findOpenRun(this.#database.ledger, policy);
    // The workflow's second argument can be forged by whoever may start workflows: only its own run is its business.
    if (open?.id !== run || open.workflowId !== ownWorkflowId()) throw closed(run);
    return open;
  }

  /** An attempt that Temporal gave up may come to itself when the pass is rounds further; it has nothing to say. */
  async #findPosition(): Promise<Position | undefined> {
    const position = await findPosition(this.#database.ledger, this.#key);
    if ((position?.round ?? 0) > this.#request.round) throw closed(this.#key.run);
    return position;
  }

  #isDone(): boolean {
    return this.#position?.round === this.#request.round && this.#position.done;
  }

  /** The cursor of this round: an earlier round's end is not this one's begin. */
  #cursor(): Cursor {
    return this.#position?.round === this.#request.round ? this.#position.cursor : null;
  }

  #isAskedToStop(): boolean {
    const { cancellationSignal, cancellationDetails } = this.#activity;
    if (!cancellationSignal.aborted) return false;
    if (cancellationDetails?.cancelRequested === true) return true;
    if (cancellationDetails?.workerShutdown === true) {
      // A failure hands the last heartbeat over exactly; a cancelled activity would not be tried again at once.
      throw ApplicationFailure.create({
        message: 'this worker is going down; the slice goes on after the last committed batch',
        type: FAILURE.yield,
        nextRetryDelay: '1s',
      });
    }
    throw cancellationSignal.reason;
  }

  /** One batch, tried until it goes through; undefined where another attempt came first. */
  async #batch(run: OpenRun, place: BatchPlace, shard: Shard, pacer: Pacer): Promise<BatchDone | undefined> {
    const prepared = await this.#prepare(place);
    for (;;) {
      const { careful, passOver, part } = this.#setbacks.approach;
      const step = {
        shard,
        cursor: this.#cursor(),
        size: Math.max(1, Math.round(pacer.size * part)),
        mostRows: run.settings.mostRows ?? Infinity,
        giant: pacer.giant,
        bite: pacer.bite,
        familySize: pacer.familySize,
        reach: pacer.reach,
        careful,
        passOver,
        ...(prepared === undefined ? {} : { prepared }),
      };
      const started = performance.now();
      try {
        const done = await runBatch(this.#database, place, this.#position, step, run.settings.targetMillis);
        if (done === undefined) return await this.#afterFence();
        this.#setbacks.success(done.outcome.taken);
        pacer.learnFrom(done);
        this.#keep(done, pacer.size);
        return done;
      } catch (error) {
        // A transaction that was rolled back held its locks as well.
        this.#longestMillis = Math.max(this.#longestMillis, performance.now() - started);
        if (!this.#setbacks.canGoOn(error)) throw error;
        pacer.shrink();
        this.#heartbeat();
        await pause(SETBACK_PAUSE);
        if (this.#isAskedToStop()) return undefined;
      }
    }
  }

  async #prepare(place: BatchPlace): Promise<Prepared | undefined> {
    return prepareBatch(this.#database, place, this.#cursor(), {
      pass: this.#policy?.passes.find(({ name }) => name === place.passName),
      signal: this.#activity.cancellationSignal,
      heartbeat: () => this.#heartbeat(),
      debug: (error) => log.debug(`pass ${place.passName} could not resolve a row`, { error }),
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

  async #afterFence(): Promise<undefined> {
    await this.#openRun();
    await pause(FENCED_PAUSE);
    this.#position = await this.#findPosition();
    this.#heartbeat();
  }

  async #rest(millis: number): Promise<void> {
    // In short naps, so that heartbeats and a request to stop get through.
    for (let left = millis; left > 0 && !this.#activity.cancellationSignal.aborted; left -= 1000) {
      await pause(Math.min(left, 1000));
      this.#heartbeat();
    }
  }

  async #result(shard: Shard): Promise<SliceResult> {
    const totals = await totalOf(this.#database.ledger, this.#key, this.#request.round);
    return {
      ...totals,
      done: this.#isDone(),
      walked: this.#isDone() ? 1 : walkedPart(shard, this.#cursor()),
      longestMillis: this.#longestMillis,
    };
  }
}

function closed(run: number): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `run ${run} is not open: another run took its lease, or it was closed. Nothing more is deleted by it.`,
    FAILURE.closed,
  );
}

async function pause(millis: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, millis));
}
