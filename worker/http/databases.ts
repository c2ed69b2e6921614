import { formatCode } from '../../activities/dialect/database-error.ts';
import { readDatabaseError } from '../../activities/dialect/read-error.ts';
import type { TransactionLimits } from '../../activities/dialect/transaction-limits.ts';
import type { Database, DatabaseSource } from '../../activities/ledger/database.ts';
import { Databases } from '../../activities/ledger/databases.ts';
import { Ledger } from '../../activities/ledger/ledger.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import { Unavailable, within } from '../unavailable.ts';

/** Connections to each database, besides the worker's. */
const MAX_SESSIONS = 2;
const TIMEOUT_MILLIS = 5_000;
/** Queries of catalog and ledger are short. One that takes longer is a sign of trouble, and a person waits for it. */
export const READ_LIMITS: TransactionLimits = { lockMillis: 1_000, statementMillis: 4_000 };

/** The results of the databases that responded, and why the others did not. */
interface ReadResults<T> {
  readonly found: readonly T[];
  readonly missing: { database: string; reason: string }[];
}

/** The databases of the worker's policies, read through a few connections of their own. */
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
    this.#databases = new Databases(databases, ledgerSchema, MAX_SESSIONS);
    this.names = Object.keys(databases);
  }

  /** Returns the name of the database of a policy. Undefined if the policy names none of these. */
  nameFor(policy: Policy): string | undefined {
    return this.#databases.check(policy).length === 0 ? this.#databases.nameFor(policy) : undefined;
  }

  /** Reads from several databases at the same time. Throws {@link Unavailable} if none of them responds. */
  async readEach<T>(names: readonly string[], read: (name: string) => Promise<T>): Promise<ReadResults<T>> {
    const settled = await Promise.allSettled(names.map(read));
    const found: T[] = [];
    const missing: ReadResults<T>['missing'] = [];
    for (const [n, one] of settled.entries()) {
      if (one.status === 'fulfilled') found.push(one.value);
      else if (!(one.reason instanceof Unavailable)) throw one.reason;
      else missing.push({ database: names[n] ?? '', reason: one.reason.message });
    }
    if (missing.length > 0 && found.length === 0)
      throw new Unavailable(missing.map(({ reason }) => reason).join('; '));
    return { found, missing };
  }

  /** Does work with a database. Throws {@link Unavailable} if it does not respond or refuses. */
  async read<T>(
    name: string,
    work: (database: Database) => Promise<T>,
    timeoutMillis = TIMEOUT_MILLIS,
  ): Promise<T> {
    const message = `database ${name} did not respond within ${timeoutMillis / 1000} s`;
    try {
      return await within(timeoutMillis, message, async () => work(await this.#databases.named(name)));
    } catch (error) {
      throw toUnavailable(name, error);
    }
  }

  /**
   * Reads the ledger of a database in one read-only snapshot. Returns undefined if there is none yet. Throws
   * {@link Unavailable} if it cannot be read.
   */
  async readLedger<T>(
    name: string,
    work: (ledger: Ledger) => Promise<T>,
    timeoutMillis = TIMEOUT_MILLIS,
  ): Promise<T | undefined> {
    const read = async ({ session, ledger: { schema } }: Database): Promise<T | undefined> =>
      session.snapshot(READ_LIMITS, async (tx) => {
        const ledger = new Ledger(tx, schema);
        const version = await ledger.version();
        if (version === 'missing') return undefined;
        if (version !== 'current')
          throw new Unavailable(`the ledger of database ${name} ${LEDGER_PROBLEMS[version]}`);
        return work(ledger);
      });
    return this.read(name, read, timeoutMillis);
  }

  async close(): Promise<void> {
    await this.#databases.close();
  }
}

const LEDGER_PROBLEMS = {
  closed: 'may not be read by the role of this worker',
  old: 'is of an older version: the next run upgrades it, or `temporal-vacuum ledger migrate`',
  newer: 'is of a newer version: upgrade temporal-vacuum on this worker',
} as const;

/** Replaces errors of drivers, which carry values, hosts and statements, by fixed words. Returns unknown errors as they are. */
function toUnavailable(name: string, error: unknown): unknown {
  if (error instanceof Unavailable) return error;
  if (error instanceof ValidationError) return new Unavailable(error.wireMessage);
  const known = readDatabaseError(error);
  if (known === undefined) return error;
  return new Unavailable(`database ${name} cannot be read: ${known.meaning} (${formatCode(known.code)})`);
}
