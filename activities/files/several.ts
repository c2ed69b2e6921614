import { setTimeout as sleep } from 'node:timers/promises';

import { FileRefused } from '../../policy/file-store.ts';
import { codeOf } from './code-of.ts';

/** Errors that pass by themselves, and how long to leave them before each of the next tries, in milliseconds. */
const PASSING: ReadonlySet<string> = new Set([
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ESTALE',
  'ETIMEDOUT',
  'ETXTBSY',
]);
const PAUSES = [50, 250];

/** What an attempt on one file came to: its answer, or why it failed in fixed words. */
export type Attempt<T> = { readonly answer: T } | { readonly reason: string };

/**
 * Does something with files, some at a time, beginning them in their order. A file that fails is tried again a few times and
 * stops no other. Begins no more once `mayGoOn` says so: the answers are those of the first files, as many as were begun.
 */
export async function several<F, T>(
  files: readonly F[],
  concurrency: number,
  mayGoOn: () => boolean,
  work: (file: F) => Promise<T>,
  debug: (error: unknown) => void = () => undefined,
): Promise<Attempt<T>[]> {
  const attempts: Attempt<T>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < files.length && mayGoOn()) {
      const at = next;
      next += 1;
      attempts[at] = await attempt(files[at] as F, work, debug);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return attempts;
}

async function attempt<F, T>(
  file: F,
  work: (file: F) => Promise<T>,
  debug: (error: unknown) => void,
): Promise<Attempt<T>> {
  for (let tries = 0; ; tries += 1) {
    try {
      return { answer: await work(file) };
    } catch (error) {
      if (error instanceof FileRefused) return { reason: error.message };
      const code = codeOf(error);
      const pause = PAUSES[tries];
      if (pause === undefined || !PASSING.has(code)) {
        debug(error);
        return { reason: sayCode(code) };
      }
      await sleep(pause);
    }
  }
}

function sayCode(code: string): string {
  return code === '' ? 'an unknown error of the file store' : `the file store answers ${code}`;
}
