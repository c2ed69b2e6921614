import { Worker } from 'node:worker_threads';

import type { StatementResult } from '../row-sql.ts';
import { SqliteError } from './errors.ts';
import type { SqliteValue, ThreadOptions, ThreadReply } from './thread-messages.ts';

interface Waiting {
  readonly resolve: (result: StatementResult<never>) => void;
  readonly reject: (error: Error) => void;
}

/** One connection in its thread, for one user at a time. */
export class Channel {
  readonly #worker: Worker;
  readonly #cancelled: Int32Array;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #turn: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(options: Omit<ThreadOptions, 'cancelled'>) {
    const cancelled = new SharedArrayBuffer(4);
    this.#cancelled = new Int32Array(cancelled);
    // The sources run as they are, the package runs what is built of them.
    const name = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js';
    this.#worker = new Worker(new URL(name, import.meta.url), {
      workerData: { ...options, cancelled } satisfies ThreadOptions,
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on('message', (reply: ThreadReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new SqliteError('SQLITE_MISUSE', 'the connection is closed')));
  }

  /** Runs work while nobody else uses the connection. Those who ask go one after the other. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  async run<T>(sql: string, values: readonly SqliteValue[] = []): Promise<StatementResult<T>> {
    if (this.#failure !== undefined) throw this.#failure;
    const id = (this.#next += 1);
    const { promise, resolve, reject } = Promise.withResolvers<StatementResult<T>>();
    this.#waiting.set(id, { resolve, reject });
    // Only while it has something to do does it keep the process alive.
    this.#worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker.postMessage({ id, sql, values });
    return promise;
  }

  /** Ends statements that look whether they should go on, until the returned function is called. */
  cancel(): () => void {
    Atomics.store(this.#cancelled, 0, 1);
    return () => Atomics.store(this.#cancelled, 0, 0);
  }

  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#worker.once('exit', () => resolve());
    });
    this.#worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker.postMessage('close');
    await ended;
  }

  #settle(reply: ThreadReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('error' in reply) waiting?.reject(new SqliteError(reply.error.code, reply.error.message));
    else waiting?.resolve(reply as unknown as StatementResult<never>);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
