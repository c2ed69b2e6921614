import { countNouns } from '../../policy/count-nouns.ts';
import { formatDuration } from '../../policy/duration.ts';
import { formatInstant } from '../../policy/format-instant.ts';
import { formatWindow, windowAt } from '../../policy/window.ts';
import type { LimitReached } from '../contract.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OpenRun, StoredLimits } from '../stored/run.ts';

/** Near the end of its rows a run bounds each batch exactly; before, a batch that takes too many is rolled back. */
const NEAR = 4;

/** How large a batch may be, by the limits of its run. */
interface BatchBudget {
  /** Rows to aim at. */
  readonly size: number;
  /** The most rows of the pass's own table; Infinity if the limit is far. */
  readonly maxRows: number;
  /** The most rows in all tables: with one more the batch must be rolled back. */
  readonly maxInAll: number;
  /** A row with more dependents is deleted in chunks, since no run could delete it whole. */
  readonly oversized: number;
  /** Earlier tries deleted too many: count the dependents of each row first. */
  readonly lockFirst: boolean;
}

/**
 * What a run may still do. Rows and time are the ledger's, so that no crash and no continue-as-new gives it more. A limited
 * run has one shard a pass, so that nobody else takes from the rows that are left.
 */
export class RunLimits {
  readonly #ledger: Ledger;
  readonly #run: number;
  readonly #limits: StoredLimits;
  #rows = 0;
  #startedAt = performance.now();
  #openUntil = 0;
  #tries = 0;
  #full = false;

  private constructor(ledger: Ledger, { id, settings }: OpenRun) {
    this.#ledger = ledger;
    this.#run = id;
    this.#limits = settings.limits;
  }

  static async read(ledger: Ledger, run: OpenRun): Promise<RunLimits> {
    const limits = new RunLimits(ledger, run);
    await limits.refresh();
    return limits;
  }

  /** Asks the ledger again: another attempt of the slice may have deleted meanwhile. */
  async refresh(): Promise<void> {
    const { maxRows, maxMillis } = this.#limits;
    if (maxRows === null && maxMillis === null) return;
    const { rows, millis } = await this.#ledger.session.ledger.runs.readUsage(this.#run);
    this.#rows = rows;
    this.#startedAt = performance.now() - millis;
  }

  /** Finds the limit that lets no further batch start; undefined if there is none. */
  findReached(): LimitReached | undefined {
    const { maxRows } = this.#limits;
    if (maxRows !== null && (this.#full || this.#rows >= maxRows)) {
      const left = this.#rows < maxRows ? '; the next row would delete more than is left' : '';
      return {
        reason: `limit maxRows ${maxRows} reached: ${countNouns(this.#rows, 'row')}${left}`,
        until: null,
      };
    }
    return this.findTimeReached();
  }

  /** The same for work that deletes no rows. */
  findTimeReached(): LimitReached | undefined {
    const { maxMillis, window, whenClosed } = this.#limits;
    const millis = performance.now() - this.#startedAt;
    if (maxMillis !== null && millis >= maxMillis) {
      return {
        reason: `limit maxDuration ${formatDuration(maxMillis)} reached: ${formatDuration(millis)}`,
        until: null,
      };
    }
    // When a window closes is computed once, since that takes some milliseconds.
    if (window === null || Date.now() < this.#openUntil) return undefined;
    const closed = findClosedWindow(this.#limits, Date.now());
    if (closed === undefined) this.#openUntil = windowAt(window, Date.now()).until;
    if (closed?.until === undefined || closed.until === null || whenClosed === 'stop') return closed;
    // It would be over before it could go on.
    const waits = Date.parse(closed.until) - Date.now();
    return maxMillis !== null && millis + waits >= maxMillis ? { ...closed, until: null } : closed;
  }

  /** The budget of the next batch, if the pacer aims at so many rows. */
  budget(size: number): BatchBudget {
    const { maxRows } = this.#limits;
    if (maxRows === null) {
      return { size, maxRows: Infinity, maxInAll: Infinity, oversized: Infinity, lockFirst: false };
    }
    const left = maxRows - this.#rows;
    const lockFirst = this.#tries > 0;
    const part = Math.max(1, Math.floor(left / 2 ** Math.max(0, this.#tries - 1)));
    const isNear = lockFirst || left <= NEAR * size;
    return {
      size: Math.min(size, part),
      maxRows: isNear ? Math.min(size, part) : Infinity,
      maxInAll: left,
      oversized: maxRows,
      lockFirst,
    };
  }

  /** A batch deleted so many rows in all tables. */
  spend(rows: number): void {
    this.#rows += rows;
    this.#tries = 0;
  }

  /** What comes next cannot be made smaller, and is more than is left. */
  fill(): void {
    this.#full = true;
  }

  /** A batch deleted more than is left, and was rolled back: the next try is smaller, unless it was the smallest. */
  reduce({ size }: Pick<BatchBudget, 'size'>): void {
    if (size === 1 && this.#tries > 0) this.#full = true;
    else this.#tries += 1;
  }
}

/** Finds the limit by a window that is closed now; undefined if batches may run. */
export function findClosedWindow(
  { window, whenClosed }: StoredLimits,
  now: number,
): LimitReached | undefined {
  if (window === null) return undefined;
  const { open, until } = windowAt(window, now);
  if (open) return undefined;
  const opens = new Date(until).toISOString();
  const reason = `limit window ${formatWindow(window)} reached: closed until ${formatInstant(opens)}`;
  return { reason, until: whenClosed === 'wait' ? opens : null };
}
