import { parseDuration } from '../../policy/duration.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { ResolveOptions } from '../../policy/report-rows.ts';
import { NotResolved } from '../../policy/report-rows.ts';
import type { Outside } from './outside.ts';

/** After so long no other row of a batch is begun, so that a slice ends in its time. */
const BATCH_MILLIS = 20_000;
/** As often as what the workflow asks can come back with a heartbeat. */
const HEARTBEAT_MILLIS = 500;

/** Reasons are kept in the ledger and travel in reports. */
const MOST_CHARACTERS = 200;
const TOO_LONG = 'it took too long';
const UNKNOWN = 'an error; the log of the worker has it at level debug';

/** Rows that somebody else was asked to deal with, by key. */
export interface ResolvedRows {
  /** Rows that need not be asked for again, whatever came of them. */
  readonly reached: readonly string[];
  /** Of them those that were asked for, with the reason where it failed. */
  readonly answers: ReadonlyMap<string, string | null>;
}

/**
 * Has rows dealt with by the policy's own function, a few at once, outside of any transaction. Each is looked at right
 * before: one that does not match any more is left alone. Ends early where the slice is to end, or where the function
 * says that no other row could be resolved; throws that where not even the first could.
 */
export async function resolveRows(
  resolve: Required<ResolveOptions>,
  keys: readonly string[],
  matches: (key: string) => Promise<boolean>,
  { signal, heartbeat, debug }: Pick<Outside, 'signal' | 'heartbeat' | 'debug'>,
): Promise<ResolvedRows> {
  const reached: string[] = [];
  const answers = new Map<string, string | null>();
  const failures: unknown[] = [];
  const waiting = [...keys];
  const until = performance.now() + BATCH_MILLIS;
  const mayGoOn = (): boolean => !signal.aborted && failures.length === 0 && performance.now() < until;
  const work = async (): Promise<void> => {
    while (mayGoOn()) {
      const key = waiting.shift();
      if (key === undefined) return;
      try {
        if (await matches(key)) answers.set(key, await answerOf(resolve, key, debug));
        reached.push(key);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const timer = setInterval(heartbeat, HEARTBEAT_MILLIS);
  try {
    await Promise.all(Array.from({ length: resolve.concurrency }, work));
  } finally {
    clearInterval(timer);
  }
  // What was done is counted first; the next batch meets the failure again.
  if (failures.length > 0 && reached.length === 0) throw failures[0];
  return { reached, answers };
}

/** Null where the function came to its end, else why not in fixed words. Throws where no other row could be resolved. */
async function answerOf(
  { each, timeout }: Required<ResolveOptions>,
  key: string,
  debug: Outside['debug'],
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
    if (error instanceof NotResolved) return error.message.slice(0, MOST_CHARACTERS);
    debug(error);
    return time.aborted ? TOO_LONG : UNKNOWN;
  }
}
