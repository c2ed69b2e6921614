import type { Database } from '../database/database.ts';
import type { Position, ShardKey } from '../ledger/batches.ts';
import { recordBatch } from '../ledger/batches.ts';
import { keptList } from '../ledger/kept.ts';
import { outboxOf } from '../ledger/outbox.ts';
import type { BatchOutcome, BatchStep, FrozenPass } from '../passes/index.ts';
import { workOf } from '../passes/index.ts';
import { enterBatch } from '../sql/fence.ts';
import { flushStatistics } from '../sql/statistics.ts';
import { inTransaction } from '../sql/transaction.ts';

/** A batch waits so long for a lock that somebody else holds, in milliseconds, and then tries without that row. */
const LOCK_MILLIS = 50;
/** A careful batch lasts no longer, so that a slice can heartbeat in time. */
const CAREFUL_MILLIS = 5_000;
/** Any other batch is rolled back at so many times the target: what makes it slow is looked at more carefully. */
const GUARD = 1.2;
/** The least time for that: below, what the machine does beside would make every batch careful. */
const LEAST_GUARD_MILLIS = 100;

/** What a batch works on. */
export interface BatchPlace {
  readonly key: ShardKey;
  readonly policy: string;
  readonly passName: string;
  readonly frozen: FrozenPass;
  readonly round: number;
}

/** What became of a batch. */
export interface BatchDone {
  readonly outcome: BatchOutcome;
  /** Rows deleted in all tables, by the ledger. */
  readonly rows: number;
  /** From begin to the end of the commit. */
  readonly millis: number;
}

/** A batch would take the run past its limit; it was rolled back. */
export class TooManyRows extends Error {}

/** Another attempt is at work on the shard, has written this batch, or the run is closed. */
class Fenced extends Error {}

/**
 * One batch: a transaction that deletes a bounded number of rows and writes its ledger row. Undefined where the
 * batch was rolled back because it is not, or no longer, this attempt's to do. Throws {@link TooManyRows} where it took
 * more than `mostInAll` from all tables together.
 */
export async function runBatch(
  { db, ledger }: Database,
  { key, policy, passName, frozen, round }: BatchPlace,
  position: Position | undefined,
  step: Omit<BatchStep, 'kept' | 'holds' | 'outbox' | 'deadline'>,
  targetMillis: number,
  mostInAll = Infinity,
): Promise<BatchDone | undefined> {
  const work = workOf(frozen.kind);
  if (!('runBatch' in work)) throw new Error(`a pass of kind ${frozen.kind} has no batches`);
  const started = performance.now();
  const statementMillis = step.careful ? CAREFUL_MILLIS : Math.max(LEAST_GUARD_MILLIS, GUARD * targetMillis);
  try {
    return await inTransaction(db, { lockMillis: LOCK_MILLIS, statementMillis }, async (tx) => {
      const shard = ledger.lockWords('shard', policy, passName, key.shard);
      const lockRun = ledger.lockWords('run', key.run);
      const hold = ledger.table('hold');
      const { entered, counters, held } = await enterBatch(tx, shard, lockRun, frozen.counted, hold);
      if (!entered) throw new Fenced();
      const outcome = await work.runBatch(frozen, tx, {
        ...step,
        kept: keptList(ledger, key.run, key.pass),
        holds: { rows: held, table: hold },
        outbox: outboxOf(ledger, policy, passName, key.run),
        deadline: { at: performance.now() + statementMillis, millis: statementMillis },
      });
      const sequence = (position?.sequence ?? 0) + 1;
      const rows = await recordBatch(
        tx,
        ledger,
        { ...key, sequence, round, size: step.size, counters },
        outcome,
      );
      if (rows === undefined) throw new Fenced();
      if (rows > mostInAll) throw new TooManyRows();
      if (outcome.end) await flushStatistics(tx);
      return { outcome, rows };
    }).then((done) => ({ ...done, millis: performance.now() - started }));
  } catch (error) {
    if (error instanceof Fenced) return undefined;
    throw error;
  }
}
