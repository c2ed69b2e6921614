interface Entry<T> {
  readonly answer: Promise<T>;
  until: number;
}

/**
 * Answers that are kept for a while, by a key. Whoever asks while one is being read waits for that one, so that a
 * hundred pages cost as much as one. A failure is kept as well: a database that is down is not asked by each.
 */
export class Cached<T> {
  readonly #millis: number;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(millis: number) {
    this.#millis = millis;
  }

  async get(key: string, read: () => Promise<T>): Promise<T> {
    const now = performance.now();
    for (const [other, { until }] of this.#entries) if (until <= now) this.#entries.delete(other);
    const found = this.#entries.get(key);
    if (found !== undefined) return found.answer;
    const entry: Entry<T> = { answer: read(), until: Number.POSITIVE_INFINITY };
    this.#entries.set(key, entry);
    const keep = (): void => {
      entry.until = performance.now() + this.#millis;
    };
    entry.answer.then(keep, keep);
    return entry.answer;
  }
}
