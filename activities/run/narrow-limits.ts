import type { Duration } from '../../policy/duration.ts';
import { parseDuration, formatDuration } from '../../policy/duration.ts';
import type { Issue } from '../../policy/issue.ts';
import type { Limits } from '../../policy/limits.ts';
import { readWindow } from '../../policy/limits.ts';
import type { StoredLimits } from '../stored/run.ts';

/** What an input may say of the limits of its run. */
interface Narrowing {
  readonly maxRows?: number | undefined;
  readonly maxDuration?: Duration | undefined;
}

/** Whether an input would allow its run more than the policy does. */
export function checkNarrowing({ maxRows, maxDuration }: Narrowing, limits: Limits): Issue[] {
  const issues: Issue[] = [];
  if (maxRows !== undefined && limits.maxRows !== undefined && maxRows > limits.maxRows) {
    const what = `maxRows ${maxRows} is more than the policy's ${limits.maxRows}, which an input can only narrow`;
    issues.push({ at: 'input', what, fix: `Use at most ${limits.maxRows}, or leave it out` });
  }
  const millis = parseDuration(maxDuration) ?? 0;
  const most = parseDuration(limits.maxDuration) ?? Infinity;
  if (millis > most) {
    const what = `maxDuration ${formatDuration(millis)} is longer than the policy's ${formatDuration(most)}, which an input can only narrow`;
    issues.push({ at: 'input', what, fix: `Use at most ${formatDuration(most)}, or leave it out` });
  }
  return issues;
}

/** The limits of a run: the policy's, or what its input makes of them. */
export function narrow(limits: Limits, { maxRows, maxDuration }: Narrowing = {}): StoredLimits {
  return {
    maxRows: maxRows ?? limits.maxRows ?? null,
    maxMillis: parseDuration(maxDuration ?? limits.maxDuration) ?? null,
    window: readWindow(limits) ?? null,
    whenClosed: limits.whenClosed,
  };
}
