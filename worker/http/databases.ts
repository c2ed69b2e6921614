import type { Database, DatabaseSource } from '../../activities/database/database.ts';
import { Databases } from '../../activities/database/databases.ts';
import { Ledger } from '../../activities/ledger/ledger.ts';
import { readDatabaseError } from '../../activities/sql/sqlstate.ts';
import type { TransactionLimits } from '../../activities/sql/transaction.ts';
import { inSnapshot } from '../../activities/sql/transaction.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import { Unavailable, within } from './unavailable.ts';

/** Sessions in each database, besides those of the worker. */
const MOST_SESSIONS = 2;
const ANSWER_WITHIN_MILLIS = 5_000;
/** Catalog and ledger: more is a sign of trouble, and somebody waits. */
export const READ_LIMITS: TransactionLimits = { lockMillis: 1_000, statementMillis: 4_000 };

/** What some databases answered, and which of them did not, with why. */
export interface Answers<T> {
  readonly found: readonly T[];
  readonly missing: { database: string; reason: string }[];
}

/** The databases of the worker's policies, only ever read, and through a few sessions of their own. */
export class ReadDatabases {
  readonly #databases: Databases;
  readonly names: readonly string[];

  constructor({
    databases,
    ledgerSchema,
  }: {
    readonly databases: Readonly<Record<string, DatabaseSource>>;
    readonly ledgerSchema?: string | undefined;
  }) {
    this.#databases = new Databases(databases, ledgerSchema, MOST_SESSIONS);
    this.names = Object.keys(databases);
  }

  /** The name of the database of a policy; undefined where the policy names none that is here. */
  nameFor(policy: Policy): string | undefined {
    return this.#databases.check(policy).length === 0 ? this.#databases.nameFor(policy) : undefined;
  }

  /** Asks several databases, all at once. Throws {@link Unavailable} where none of them answers. */
  async each<T>(names: readonly string[], ask: (name: string) => Promise<T>): Promise<Answers<T>> {
    const asked = await Promise.allSettled(names.map(ask));
    const found: T[] = [];
    const missing: Answers<T>['missing'] = [];
    for (const [n, one] of asked.entries()) {
      if (one.status === 'fulfilled') found.push(one.value);
      else if (!(one.reason instanceof Unavailable)) throw one.reason;
      else missing.push({ database: names[n] ?? '', reason: one.reason.message });
    }
    if (missing.length > 0 && found.length === 0)
      throw new Unavailable(missing.map(({ reason }) => reason).join('; '));
    return { found, missing };
  }

  /** Does work with a database. Throws {@link Unavailable} where it does not answer or refuses. */
  async read<T>(
    name: string,
    work: (database: Database) => Promise<T>,
    withinMillis = ANSWER_WITHIN_MILLIS,
  ): Promise<T> {
    const late = `database ${name} did not answer within ${withinMillis / 1000} s`;
    try {
      return await within(withinMillis, late, async () => work(await this.#databases.named(name)));
    } catch (error) {
      throw sayDatabaseError(name, error);
    }
  }

  /**
   * Reads the ledger of a database on one read-only snapshot; undefined where there is none yet. Throws
   * {@link Unavailable} where it cannot be read.
   */
  async readLedger<T>(
    name: string,
    work: (ledger: Ledger) => Promise<T>,
    withinMillis = ANSWER_WITHIN_MILLIS,
  ): Promise<T | undefined> {
    const read = async ({ db, ledger: { schema } }: Database): Promise<T | undefined> =>
      inSnapshot(db, READ_LIMITS, async (tx) => {
        const ledger = new Ledger(tx, schema);
        const version = await ledger.version();
        if (version === 'missing') return undefined;
        if (version !== 'current') throw new Unavailable(`the ledger of database ${name} ${SAID[version]}`);
        return work(ledger);
      });
    return this.read(name, read, withinMillis);
  }

  async close(): Promise<void> {
    await this.#databases.close();
  }
}

const SAID = {
  closed: 'may not be read by the role of this worker',
  old: 'is of an older version: the next run upgrades it, or `temporal-vacuum ledger migrate`',
  newer: 'is of a newer version: upgrade temporal-vacuum on this worker',
} as const;

/** Errors of drivers carry values, hosts and statements: only fixed words go on. What nobody knows stays as it is. */
function sayDatabaseError(name: string, error: unknown): unknown {
  if (error instanceof Unavailable) return error;
  if (error instanceof ValidationError) return new Unavailable(error.wireMessage);
  const known = readDatabaseError(error);
  if (known === undefined) return error;
  return new Unavailable(`database ${name} cannot be read: ${known.meaning} (SQLSTATE ${known.sqlstate})`);
}
