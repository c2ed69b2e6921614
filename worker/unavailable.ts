import { setTimeout as sleep } from 'node:timers/promises';

/** A database or Temporal does not respond. The message goes to the client: it has only our names and fixed words. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Does work with a timeout. Work that takes longer goes on until its own limits end it. */
export async function within<T>(millis: number, message: string, work: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const timeout = sleep(millis, undefined, { signal: done.signal }).then(
    () => {
      throw new Unavailable(message);
    },
    // The work was done in time.
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    done.abort();
  }
}
