import { ApplicationFailure } from '@temporalio/common';

import type { Session } from '../dialect/dialect.ts';
import type { BatchRecord } from '../dialect/ledger-store.ts';
import { isRefused } from '../dialect/read-error.ts';
import { listFingerprinted } from '../dialect/table-names.ts';
import type { Database } from '../ledger/database.ts';
import type { BatchKind } from '../passes/pass.ts';
import type { BatchOutcome, BatchStep } from '../steps/batch-step.ts';
import { findBatchTarget, NOTHING_DONE } from '../steps/leaf-partitions.ts';
import type { Position, ShardKey } from '../stored/batch.ts';
import type { StoredPass } from '../stored/pass.ts';
import { FAILURE } from './failure.ts';

/** A batch waits so long for a lock that somebody else holds, in milliseconds, and then tries without that row. */
const LOCK_MILLIS = 50;
/** A batch that locks first lasts no longer, so that a slice can heartbeat in time. */
const LOCK_FIRST_MILLIS = 5_000;
/** Any other batch is rolled back at so many times the target: the next try looks at what makes it slow. */
const TIMEOUT_FACTOR = 1.2;
/** The least time for that: below, other load of the machine would make every batch lock first. */
const MIN_TIMEOUT_MILLIS = 100;

/** A message names no more tables than this. */
const MAX_NAMED = 5;

/** The shard that batches work on. */
export interface BatchShard {
  readonly kind: BatchKind;
  readonly key: ShardKey;
  readonly policy: string;
  readonly passName: string;
  readonly stored: StoredPass;
  readonly round: number;
}

/** A batch that was committed. */
export interface CommittedBatch {
  readonly outcome: BatchOutcome;
  /** Rows deleted in all tables, by the ledger. */
  readonly rows: number;
  /** From its first statement to the end of its commit. */
  readonly millis: number;
}

/** A batch would take the run past its limit; it was rolled back. */
export class TooManyRows extends Error {}

/** Another attempt is at work on the shard, has written this batch, or the run is closed. */
class ShardBusy extends Error {}

/**
 * Runs one batch: a transaction that deletes a bounded number of rows and writes its row of the ledger. Undefined if the
 * batch was rolled back because it is not, or no longer, this attempt's to do. Throws {@link TooManyRows} if it deleted
 * more than `maxInAll` rows from all tables together.
 */
export async function runBatch(
  { session, ledger }: Database,
  { kind, key, policy, passName, stored: whole, round }: BatchShard,
  position: Position | undefined,
  step: Omit<BatchStep, 'keepLast' | 'holds' | 'outbox' | 'deadline' | 'attempt'>,
  targetMillis: number,
  maxInAll = Infinity,
): Promise<CommittedBatch | undefined> {
  const { stored, isMissing, toOutcome, ...target } = findBatchTarget(whole, step.shard, step.cursor);
  let started = performance.now();
  const { run, pass, shard } = key;
  const statementMillis = step.lockFirst
    ? LOCK_FIRST_MILLIS
    : Math.max(MIN_TIMEOUT_MILLIS, TIMEOUT_FACTOR * targetMillis);
  try {
    const done = await session.transaction({ lockMillis: LOCK_MILLIS, statementMillis }, async (tx) => {
      // Without the time that it waited for a connection, or for the only write lock.
      started = performance.now();
      const shardKey = ledger.lockKey('shard', policy, passName, shard);
      const runKey = ledger.lockKey('run', run);
      const { locked, counters, holds } = await tx.batchLock.lockShard(shardKey, runKey, stored.counted);
      if (!locked) throw new ShardBusy();
      const batch: BatchStep = {
        ...step,
        ...target,
        keepLast: { run, pass },
        holds,
        outbox: { policy, pass: passName, run },
        attempt: async (work, defersKeys = false) => tx.batchLock.attempt(counters, work, defersKeys),
        deadline: { at: performance.now() + statementMillis, millis: statementMillis },
      };
      const outcome = toOutcome(isMissing ? NOTHING_DONE : await kind.runBatch(stored, tx, batch));
      if (stored.firesLate === true) await tx.batchLock.fireTriggers();
      const sequence = (position?.sequence ?? 0) + 1;
      const record = { ...key, sequence, round, size: step.size, counters };
      const rows = await tx.ledger.batches.record(withFingerprint(record, stored), outcome);
      if (rows === undefined) throw new ShardBusy();
      if (rows > maxInAll) throw new TooManyRows();
      if (outcome.done) await tx.batchLock.flushStatistics();
      return { outcome, rows };
    });
    return { ...done, millis: performance.now() - started };
  } catch (error) {
    if (error instanceof ShardBusy || isRefused(error)) await assertUnchanged(session, stored);
    if (error instanceof ShardBusy) return undefined;
    throw error;
  }
}

function withFingerprint(record: BatchRecord, stored: StoredPass): BatchRecord {
  const { fingerprint } = stored;
  if (fingerprint === undefined) return record;
  return { ...record, unchanged: { ...listFingerprinted(stored), fingerprint } };
}

/**
 * Throws if the tables changed since the run started: that is why the batch was not recorded, or refused. The run goes on
 * if it finds the same when it looks them up anew: see `renewPass`.
 */
async function assertUnchanged(session: Session, stored: StoredPass): Promise<void> {
  const { table, counted, fingerprint } = stored;
  if (fingerprint === undefined) return;
  const [now] = await session.facts.readFingerprints([listFingerprinted(stored)]);
  if (now === fingerprint) return;
  const others = counted.map(({ label }) => label).filter((label) => label !== table.label);
  const few = others.slice(0, MAX_NAMED).join(', ');
  const more = others.length > MAX_NAMED ? `${few} and ${others.length - MAX_NAMED} more` : few;
  throw ApplicationFailure.nonRetryable(
    'the schema changed since the run started, so that it no longer knows which rows are deleted along: a foreign key, ' +
      `partition, trigger, rule or column of ${table.label}${more === '' ? '' : ` or of what is deleted along (${more})`}. ` +
      'The batch was rolled back. Start a new run, which looks it up',
    FAILURE.changed,
  );
}
