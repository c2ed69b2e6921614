import { setTimeout as sleep } from 'node:timers/promises';

/** Something that an answer needs is away. The message is for whoever asks: names of ours and fixed words. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Does work, or says that it took too long; what goes on then ends by its own limits. */
export async function within<T>(millis: number, late: string, work: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const timeout = sleep(millis, undefined, { signal: done.signal }).then(
    () => {
      throw new Unavailable(late);
    },
    // It was done in time.
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    done.abort();
  }
}
