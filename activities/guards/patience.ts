import type { Database } from '../database/database.ts';
import { cancelledBy } from '../sql/cancel.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { inSnapshot } from '../sql/transaction.ts';

/** What {@link Patience} can be told. */
export interface PatienceOptions {
  /** How long one look may take, in milliseconds. Default: a minute. */
  readonly eachMillis?: number;
  /** How long all may take together, in milliseconds. Default: three minutes. */
  readonly allMillis?: number;
  /** Ends a look on the server too. */
  readonly signal?: AbortSignal;
}

/** A look gets so much also where there is no time left, since most need no more. */
const LEAST_MILLIS = 100;
const LOCK_MILLIS = 5_000;
const TOO_LONG = '57014';

/** How long the guards of a run may look at tables: a run that never begins keeps no database small. */
export class Patience {
  readonly #eachMillis: number;
  readonly #until: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ eachMillis = 60_000, allMillis = 180_000, signal }: PatienceOptions = {}) {
    this.#eachMillis = eachMillis;
    this.#until = performance.now() + allMillis;
    this.#signal = signal;
  }

  /** Reads on a snapshot of its own; undefined where a statement takes too long. */
  async look<T>({ db }: Pick<Database, 'db'>, work: (tx: Tx) => Promise<T>): Promise<T | undefined> {
    const left = Math.max(LEAST_MILLIS, this.#until - performance.now());
    const limits = {
      lockMillis: LOCK_MILLIS,
      statementMillis: Math.ceil(Math.min(this.#eachMillis, left)),
    };
    try {
      return await inSnapshot(db, limits, async (tx) =>
        cancelledBy(this.#signal, db, tx, async () => work(tx)),
      );
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (readDatabaseError(error)?.sqlstate !== TOO_LONG) throw error;
      return undefined;
    }
  }
}
