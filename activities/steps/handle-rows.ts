import { parseDuration } from '../../policy/duration.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { ResolveOptions } from '../../policy/report-rows.ts';
import { NotResolved } from '../../policy/report-rows.ts';
import type { HandledRows } from './batch-step.ts';
import type { PrepareContext } from './batch-step.ts';

/** After so long no other row of a batch is started, so that a slice ends in its time. */
const BATCH_MILLIS = 20_000;
/** Temporal tells of a cancellation with the response to a heartbeat. */
const HEARTBEAT_MILLIS = 500;

/** Reasons stand in the ledger and in reports. */
const MAX_CHARACTERS = 200;
const TOO_LONG = 'it took too long';
const UNKNOWN = 'an error; the log of the worker has it at level debug';

/**
 * Hands rows to the policy's own function, a few at once, outside of any transaction. A row that no longer matches right
 * before is left alone. Ends early if the slice is to end, or if the function says that no other row could be resolved;
 * throws that if not even the first could.
 */
export async function handleRows(
  handler: Required<ResolveOptions>,
  keys: readonly string[],
  matches: (key: string) => Promise<boolean>,
  { signal, heartbeat, debug }: Pick<PrepareContext, 'signal' | 'heartbeat' | 'debug'>,
): Promise<HandledRows> {
  const reached: string[] = [];
  const results = new Map<string, string | null>();
  const failures: unknown[] = [];
  const waiting = [...keys];
  const until = performance.now() + BATCH_MILLIS;
  const canContinue = (): boolean => !signal.aborted && failures.length === 0 && performance.now() < until;
  const work = async (): Promise<void> => {
    while (canContinue()) {
      const key = waiting.shift();
      if (key === undefined) return;
      try {
        if (await matches(key)) results.set(key, await handleRow(handler, key, debug));
        reached.push(key);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const timer = setInterval(heartbeat, HEARTBEAT_MILLIS);
  try {
    await Promise.all(Array.from({ length: handler.concurrency }, work));
  } finally {
    clearInterval(timer);
  }
  // What was done is counted first; the next batch meets the failure again.
  if (failures.length > 0 && reached.length === 0) throw failures[0];
  return { reached, results };
}

/** Null if the function returned, else why not in fixed words. Throws if no other row could be resolved. */
async function handleRow(
  { each, timeout }: Required<ResolveOptions>,
  key: string,
  debug: PrepareContext['debug'],
): Promise<string | null> {
  const time = AbortSignal.timeout(parseDuration(timeout) ?? 0);
  // A function need not look at its signal.
  const over = new Promise<string>((end) => {
    time.addEventListener('abort', () => end(TOO_LONG), { once: true });
  });
  try {
    return await Promise.race([each(key, time).then(() => null), over]);
  } catch (error) {
    if (error instanceof ValidationError) throw error;
    if (error instanceof NotResolved) return error.message.slice(0, MAX_CHARACTERS);
    debug(error);
    return time.aborted ? TOO_LONG : UNKNOWN;
  }
}
