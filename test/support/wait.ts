import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a fact, looking often. Throws with what was waited for where it does not come about. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined | false | null>,
  withinMillis = 60_000,
): Promise<T> {
  const until = Date.now() + withinMillis;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false && found !== null) return found;
    if (Date.now() > until) throw new Error(`waited ${withinMillis / 1000} s for ${what}`);
    await sleep(20);
  }
}
