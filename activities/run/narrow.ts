import type { Duration } from '../../policy/duration.ts';
import { parseDuration, sayDuration } from '../../policy/duration.ts';
import type { Issue } from '../../policy/issue.ts';
import type { Limits } from '../../policy/limits.ts';
import { windowOf } from '../../policy/limits.ts';
import type { StoredLimits } from '../stored/run.ts';

/** What an input may say of the limits of its run. */
export interface Narrowing {
  readonly maxRows?: number | undefined;
  readonly maxDuration?: Duration | undefined;
}

/** Whether an input would allow its run more than the policy does. */
export function checkNarrowing({ maxRows, maxDuration }: Narrowing, limits: Limits): Issue[] {
  const mistakes: Issue[] = [];
  if (maxRows !== undefined && limits.maxRows !== undefined && maxRows > limits.maxRows) {
    const what = `maxRows ${maxRows} is more than the policy's ${limits.maxRows}, which an input can only narrow`;
    mistakes.push({ at: 'input', what, fix: `Use at most ${limits.maxRows}, or leave it out` });
  }
  const millis = parseDuration(maxDuration) ?? 0;
  const most = parseDuration(limits.maxDuration) ?? Infinity;
  if (millis > most) {
    const what = `maxDuration ${sayDuration(millis)} is longer than the policy's ${sayDuration(most)}, which an input can only narrow`;
    mistakes.push({ at: 'input', what, fix: `Use at most ${sayDuration(most)}, or leave it out` });
  }
  return mistakes;
}

/** The limits of a run: the policy's, or what its input makes of them. */
export function narrow(limits: Limits, { maxRows, maxDuration }: Narrowing = {}): StoredLimits {
  return {
    maxRows: maxRows ?? limits.maxRows ?? null,
    maxMillis: parseDuration(maxDuration ?? limits.maxDuration) ?? null,
    window: windowOf(limits) ?? null,
    whenClosed: limits.whenClosed,
  };
}
