import { EXIT } from './exit-code.ts';
import { note } from './output.ts';

/** What ends a command: Ctrl-C, the time limit of a job, a terminal that closes. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does work that these signals cancel, with its statement in the database. If one does, returns undefined, prints a message
 * and sets the exit code.
 */
export async function runUntilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  message: string,
): Promise<T | undefined> {
  const interrupt = new AbortController();
  for (const signal of SIGNALS) process.once(signal, () => interrupt.abort());
  try {
    return await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    note(message);
    process.exitCode = EXIT.unfinished;
    return undefined;
  }
}
