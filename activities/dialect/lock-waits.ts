import { channel } from 'node:diagnostics_channel';

const WAITS = channel('temporal-vacuum.lock-wait');

/** Tells whoever listens that this process waits for a lock of somebody else: what it waits for, who may hold it. */
export function announceLockWait(sentence: string): void {
  WAITS.publish(sentence);
}

/** Hears of waits for locks during some work. A person who sees nothing would take the command for dead. */
export async function listenToLockWaits<T>(
  listener: (sentence: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const onWait = (sentence: unknown): void => listener(String(sentence));
  WAITS.subscribe(onWait);
  try {
    return await work();
  } finally {
    WAITS.unsubscribe(onWait);
  }
}
