import { EXIT } from './exit-code.ts';
import { note } from './output.ts';

/** Does work that Ctrl-C ends; undefined where it did, with what was said and an exit code of its own. */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  said: string,
): Promise<T | undefined> {
  const asked = new AbortController();
  process.once('SIGINT', () => asked.abort());
  try {
    return await work(asked.signal);
  } catch (error) {
    if (!asked.signal.aborted) throw error;
    note(said);
    process.exitCode = EXIT.unfinished;
    return undefined;
  }
}
