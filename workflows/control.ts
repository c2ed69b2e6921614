import { CancellationScope, condition, isCancellation, sleep } from '@temporalio/workflow';

import type { BeginRunResult, LimitReached, RunEnd } from '../activities/contract.ts';

/** Why passes are left before they are done. */
export type Leaving = 'stopped' | 'cancelled' | 'continue-as-new';

/** Why and how long a run waits by itself. */
export interface Wait {
  readonly reason: string;
  readonly millis: number;
  /** For a stranger who looks at the timer. */
  readonly summary: string;
}

/** A reason is shown in a table cell and kept in the ledger. */
const MOST_CHARACTERS = 200;

/**
 * What people and Temporal ask of a run. A request takes effect within one batch: it cancels the scopes of the slices
 * under way, and each returns what it did as an ordinary result.
 */
export class Control {
  paused: boolean;
  /** Why it is paused. */
  reason: string | undefined;
  stopReason: string | undefined;
  /** What it waits for by itself. */
  waitsFor: string | undefined;
  /** When it ends, also while it is paused; undefined if no limit says so. */
  end: RunEnd | undefined;
  #leaving: Leaving | undefined;
  /** The scopes of the work under way, and whether a pause cancels them. */
  readonly #scopes = new Map<CancellationScope, { readonly pausable: boolean }>();
  readonly #root = CancellationScope.current();

  constructor(paused: boolean, reason?: string) {
    this.paused = paused;
    this.reason = reason;
  }

  /** Whoever sends a signal may send anything along. */
  pause(reason?: unknown): void {
    this.paused = true;
    this.reason = readReason(reason);
    for (const [scope, { pausable }] of this.#scopes) if (pausable) scope.cancel();
  }

  stop(reason?: unknown): void {
    this.stopReason ??= readReason(reason);
    this.leave('stopped');
  }

  resume(): void {
    this.paused = false;
    this.reason = undefined;
  }

  leave(how: Leaving): void {
    // To end is more than to go on elsewhere.
    if (this.#leaving === undefined || this.#leaving === 'continue-as-new') this.#leaving = how;
    this.interrupt();
  }

  /** How the passes are to be left; undefined while they may go on. */
  get leaving(): Leaving | undefined {
    return this.#root.consideredCancelled ? 'cancelled' : this.#leaving;
  }

  /** Cancels all work under {@link interruptible}. */
  interrupt(): void {
    for (const scope of this.#scopes.keys()) scope.cancel();
  }

  /** Waits while paused; false if the passes are to be left. */
  async waitWhilePaused(): Promise<boolean> {
    const isOver = (): boolean => !this.paused || this.#leaving !== undefined;
    try {
      if (this.end === undefined || isOver()) await condition(isOver);
      else await this.#untilEnd(this.end, isOver);
    } catch (error) {
      if (!isCancellation(error)) throw error;
    }
    return this.leaving === undefined;
  }

  async #untilEnd({ at, reason }: RunEnd, isOver: () => boolean): Promise<void> {
    const millis = Math.max(1, Date.parse(at) - Date.now());
    if (!(await condition(isOver, millis))) this.stop(reason);
  }

  /** Does what a limit asks for: ends the run, or waits until it may go on. */
  async applyLimit(limit: LimitReached, show: () => void): Promise<void> {
    if (limit.until === null) this.stop(limit.reason);
    else await this.wait(waitUntil({ ...limit, until: limit.until }), show);
  }

  /** Waits, unless a request comes first. */
  async wait({ reason, millis, summary }: Wait, show: () => void): Promise<void> {
    this.waitsFor = reason;
    show();
    await this.interruptible(async () => sleep(millis, { summary }));
    this.waitsFor = undefined;
    show();
  }

  /**
   * Runs work that a request can interrupt; undefined if it was interrupted before it began. A pause leaves work alone
   * that is not pausable.
   */
  async interruptible<T>(work: () => Promise<T>, { pausable = true } = {}): Promise<T | undefined> {
    return (await this.attempt(work, { pausable })).result;
  }

  /** The same, with whether it was interrupted. */
  async attempt<T>(
    work: () => Promise<T>,
    { pausable = true } = {},
  ): Promise<{ result: T | undefined; interrupted: boolean }> {
    const scope = new CancellationScope({ cancellable: true });
    this.#scopes.set(scope, { pausable });
    try {
      const result = await scope.run(work);
      return { result, interrupted: scope.consideredCancelled };
    } catch (error) {
      if (isCancellation(error)) return { result: undefined, interrupted: true };
      throw error;
    } finally {
      this.#scopes.delete(scope);
    }
  }
}

/** The wait that a limit asks for. */
function waitUntil({ reason, until }: LimitReached & { readonly until: string }): Wait {
  // The worker's clock said that it is not yet time; the workflow's may be a little ahead.
  const millis = Math.max(1000, Date.parse(until) - Date.now());
  return { reason, millis, summary: `wait until ${until}: ${reason}` };
}

/** How often to ask for the lease of a busy policy, in milliseconds. */
const ASK_AGAIN = 20_000;

/** How long to wait before asking again for a begin. */
export function waitAfter(begun: BeginRunResult & { outcome: 'busy' | 'early' }): Wait {
  if (begun.outcome === 'early') return waitUntil(begun.limit);
  const run = `run ${begun.holder.run} of workflow ${begun.holder.workflowId}`;
  return { reason: `${run} is open`, millis: ASK_AGAIN, summary: `wait for ${run}` };
}

function readReason(reason: unknown): string | undefined {
  if (reason === undefined || reason === null || reason === '') return undefined;
  return (typeof reason === 'string' ? reason : JSON.stringify(reason)).slice(0, MOST_CHARACTERS);
}
