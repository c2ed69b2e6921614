import { parseDuration, sayDuration, SECOND } from '../../policy/duration.ts';
import type { Limits } from '../../policy/limits.ts';
import { windowOf } from '../../policy/limits.ts';
import type { Mistake } from '../../policy/mistake.ts';
import type { FrozenLimits } from '../ledger/runs.ts';

/** What an input may say of the limits of its run. */
export interface Narrowing {
  readonly maxRows?: number | undefined;
  readonly maxDuration?: string | number | undefined;
}

/** Whether an input would allow its run more than the policy does. */
export function checkNarrowing({ maxRows, maxDuration }: Narrowing, limits: Limits): Mistake[] {
  const mistakes: Mistake[] = [];
  if (maxRows !== undefined && limits.maxRows !== undefined && maxRows > limits.maxRows) {
    const what = `maxRows ${maxRows} is more than the policy's ${limits.maxRows}, which an input can only narrow`;
    mistakes.push({ at: 'input', what, fix: `Use at most ${limits.maxRows}, or leave it out` });
  }
  if (maxDuration === undefined) return mistakes;
  const millis = parseDuration(maxDuration) ?? 0;
  const most = parseDuration(limits.maxDuration) ?? Infinity;
  if (millis < SECOND) {
    const what = `maxDuration ${JSON.stringify(maxDuration)} is no duration of at least a second`;
    mistakes.push({ at: 'input', what, fix: "Say it like '2 hours'" });
  } else if (millis > most) {
    const what = `maxDuration ${sayDuration(millis)} is longer than the policy's ${sayDuration(most)}, which an input can only narrow`;
    mistakes.push({ at: 'input', what, fix: `Use at most ${sayDuration(most)}, or leave it out` });
  }
  return mistakes;
}

/** The limits of a run: the policy's, or what its input makes of them. */
export function narrow(limits: Limits, { maxRows, maxDuration }: Narrowing = {}): FrozenLimits {
  return {
    maxRows: maxRows ?? limits.maxRows ?? null,
    maxMillis: parseDuration(maxDuration ?? limits.maxDuration) ?? null,
    window: windowOf(limits) ?? null,
    whenClosed: limits.whenClosed,
  };
}
