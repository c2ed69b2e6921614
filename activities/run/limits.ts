import { sayDuration } from '../../policy/duration.ts';
import { sayWindow, windowAt } from '../../policy/window.ts';
import type { LimitReached } from '../contract.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { FrozenLimits, OpenRun } from '../ledger/runs.ts';
import { readSpent } from '../ledger/spent.ts';

const NO_LIMITS: FrozenLimits = { maxRows: null, maxMillis: null, window: null, whenClosed: 'wait' };

/** Near the end of its rows a run bounds each batch exactly; before, a batch that takes too many is rolled back. */
const NEAR = 4;

/** How large a batch may be, as far as the limits of its run go. */
export interface Room {
  /** Rows to aim at. */
  readonly size: number;
  /** The most rows of the pass's own table; Infinity where the limit is far. */
  readonly mostRows: number;
  /** The most rows in all tables: with one more the batch must be rolled back. */
  readonly mostInAll: number;
  /** A row with more that goes with it is deleted in bites, since no run could take it whole. */
  readonly giant: number;
  /** Earlier tries took too many: count what goes with each row before. */
  readonly careful: boolean;
}

/**
 * What a run may still do. Rows and time are the ledger's, so that no crash and no continue-as-new gives it more. A limited
 * run has one shard a pass, so that nobody else takes from the rows that are left.
 */
export class RunLimits {
  readonly #ledger: Ledger;
  readonly #run: number;
  readonly #limits: FrozenLimits;
  #rows = 0;
  #began = performance.now();
  #openUntil = 0;
  #tries = 0;
  #full = false;

  private constructor(ledger: Ledger, { id, settings }: OpenRun) {
    this.#ledger = ledger;
    this.#run = id;
    this.#limits = settings.limits ?? NO_LIMITS;
  }

  static async of(ledger: Ledger, run: OpenRun): Promise<RunLimits> {
    const limits = new RunLimits(ledger, run);
    await limits.refresh();
    return limits;
  }

  /** Asks the ledger again: another attempt of the slice may have deleted meanwhile. */
  async refresh(): Promise<void> {
    const { maxRows, maxMillis } = this.#limits;
    if (maxRows === null && maxMillis === null) return;
    const { rows, millis } = await readSpent(this.#ledger, this.#run);
    this.#rows = rows;
    this.#began = performance.now() - millis;
  }

  /** The limit that lets no further batch begin; undefined while there is none. */
  reached(): LimitReached | undefined {
    const { maxRows } = this.#limits;
    if (maxRows !== null && (this.#full || this.#rows >= maxRows)) {
      const left = this.#rows < maxRows ? '; more than what is left goes with the next row' : '';
      return { reason: `limit maxRows ${maxRows} reached: ${this.#rows} rows${left}`, until: null };
    }
    return this.timeReached();
  }

  /** The same for work that deletes no rows. */
  timeReached(): LimitReached | undefined {
    const { maxMillis, window, whenClosed } = this.#limits;
    const millis = performance.now() - this.#began;
    if (maxMillis !== null && millis >= maxMillis) {
      return {
        reason: `limit maxDuration ${sayDuration(maxMillis)} reached: ${sayDuration(millis)}`,
        until: null,
      };
    }
    // When a window closes is worked out once, since that takes some milliseconds.
    if (window === null || Date.now() < this.#openUntil) return undefined;
    const closed = outsideOf(this.#limits, Date.now());
    if (closed === undefined) this.#openUntil = windowAt(window, Date.now()).until;
    if (closed?.until === undefined || closed.until === null || whenClosed === 'stop') return closed;
    // It would be over before it could go on.
    const waits = Date.parse(closed.until) - Date.now();
    return maxMillis !== null && millis + waits >= maxMillis ? { ...closed, until: null } : closed;
  }

  /** Room for the next batch, where the pacer aims at so many rows. */
  roomFor(size: number): Room {
    const { maxRows } = this.#limits;
    if (maxRows === null) {
      return { size, mostRows: Infinity, mostInAll: Infinity, giant: Infinity, careful: false };
    }
    const left = maxRows - this.#rows;
    const careful = this.#tries > 0;
    const part = Math.max(1, Math.floor(left / 2 ** Math.max(0, this.#tries - 1)));
    const near = careful || left <= NEAR * size;
    return {
      size: Math.min(size, part),
      mostRows: near ? Math.min(size, part) : Infinity,
      mostInAll: left,
      giant: maxRows,
      careful,
    };
  }

  /** A batch deleted so many rows in all tables. */
  spend(rows: number): void {
    this.#rows += rows;
    this.#tries = 0;
  }

  /** A batch took more than is left, and was rolled back: the next try is smaller, unless it was the smallest. */
  tookTooMany({ size }: Pick<Room, 'size'>): void {
    if (size === 1 && this.#tries > 0) this.#full = true;
    else this.#tries += 1;
  }
}

/** Whether now is outside the window in which batches may run. */
export function outsideOf({ window, whenClosed }: FrozenLimits, now: number): LimitReached | undefined {
  if (window === null) return undefined;
  const { open, until } = windowAt(window, now);
  if (open) return undefined;
  const opens = new Date(until).toISOString();
  const reason = `limit window ${sayWindow(window)} reached: closed until ${opens}`;
  return { reason, until: whenClosed === 'wait' ? opens : null };
}
