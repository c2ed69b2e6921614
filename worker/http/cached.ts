interface Entry<T> {
  readonly value: Promise<T>;
  until: number;
}

/**
 * Values that are cached for a while, by a key. Requests during a read share its result, so that a hundred pages cost as
 * much as one. A failure is cached too, so that a database that is down gets one request.
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
    if (found !== undefined) return found.value;
    const entry: Entry<T> = { value: read(), until: Number.POSITIVE_INFINITY };
    this.#entries.set(key, entry);
    const keep = (): void => {
      entry.until = performance.now() + this.#millis;
    };
    entry.value.then(keep, keep);
    return entry.value;
  }
}
