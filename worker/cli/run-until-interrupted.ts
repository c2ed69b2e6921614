import { EXIT } from './exit-code.ts';
import { note } from './output.ts';

/** Does work that Ctrl-C cancels. If it does, returns undefined, prints a message and sets the exit code. */
export async function runUntilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  message: string,
): Promise<T | undefined> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  try {
    return await work(interrupt.signal);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    note(message);
    process.exitCode = EXIT.unfinished;
    return undefined;
  }
}
