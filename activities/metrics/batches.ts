import type { BatchDone } from '../batch/run-batch.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import { Meter } from './meter.ts';
import { METRICS } from './metrics.ts';

/** Records the batches of a pass that this process committed, each once, right after its commit. */
export class BatchMetrics {
  readonly #meter: Meter;

  constructor(policy: string, pass: string) {
    this.#meter = new Meter({ policy, pass });
  }

  batch({ rows, millis, outcome }: BatchDone): void {
    this.#meter.record(METRICS.rowsDeleted, rows);
    this.#meter.record(METRICS.rowsSkipped, outcome.skipped);
    this.#meter.record(METRICS.batches, 1);
    this.#meter.record(METRICS.batchDuration, millis);
    if (outcome.files === undefined) return;
    this.#meter.record(METRICS.filesDeleted, outcome.files);
    this.#meter.record(METRICS.bytesReclaimed, outcome.bytes ?? 0);
  }

  /** A table that a pass worked on whole. */
  table(millis: number, bytes: number): void {
    this.#meter.record(METRICS.batches, 1);
    this.#meter.record(METRICS.batchDuration, millis);
    this.#meter.record(METRICS.bytesReclaimed, bytes);
  }

  /** A batch was rolled back because of others, and is tried in another way. */
  setback(error: unknown): void {
    this.#meter.record(METRICS.setbacks, 1, {
      kind: KINDS[readDatabaseError(error)?.sqlstate ?? ''] ?? 'conflict',
    });
  }
}

const KINDS: Readonly<Record<string, string>> = {
  '55P03': 'lock',
  '40P01': 'deadlock',
  '57014': 'timeout',
  '25P04': 'timeout',
};
