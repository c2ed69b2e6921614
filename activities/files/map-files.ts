import { setTimeout as sleep } from 'node:timers/promises';

import { FileRefused } from '../../policy/file-store.ts';
import { readErrno } from './errno.ts';

/** Errors that go away by themselves, and the pauses before the next tries, in milliseconds. */
const TRANSIENT: ReadonlySet<string> = new Set([
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

/** What an attempt on one file returned, or why it failed in fixed words. */
type Attempt<T> = { readonly value: T } | { readonly reason: string };

/**
 * Maps files to values, some at a time, and starts them in their order. A file that fails is tried again a few times and
 * stops no other. Starts no more once `mayContinue` returns false: the attempts are those of the first files, as many as
 * were started.
 */
export async function mapFiles<F, T>(
  files: readonly F[],
  concurrency: number,
  mayContinue: () => boolean,
  work: (file: F) => Promise<T>,
  debug: (error: unknown) => void = () => undefined,
): Promise<Attempt<T>[]> {
  const attempts: Attempt<T>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < files.length && mayContinue()) {
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
      return { value: await work(file) };
    } catch (error) {
      if (error instanceof FileRefused) return { reason: error.message };
      const code = readErrno(error);
      const pause = PAUSES[tries];
      if (pause === undefined || !TRANSIENT.has(code)) {
        debug(error);
        return { reason: describeErrno(code) };
      }
      await sleep(pause);
    }
  }
}

function describeErrno(code: string): string {
  return code === '' ? 'an unknown error of the file store' : `the file store returns ${code}`;
}
