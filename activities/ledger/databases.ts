import type { Issue } from '../../policy/issue.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database, DatabaseSource } from './database.ts';
import { openDatabase } from './database.ts';

/**
 * The databases of a worker, by the names under which policies know them. They open and close with the worker.
 */
export class Databases {
  readonly #sources: Readonly<Record<string, DatabaseSource>>;
  readonly #ledgerSchema: string | undefined;
  readonly #maxSessions: number | undefined;
  readonly #open = new Map<string, Promise<Database>>();

  /** `maxSessions`: see {@link openDatabase}. */
  constructor(
    sources: Readonly<Record<string, DatabaseSource>>,
    ledgerSchema?: string,
    maxSessions?: number,
  ) {
    this.#sources = sources;
    this.#ledgerSchema = ledgerSchema;
    this.#maxSessions = maxSessions;
  }

  /** What is wrong with the database that a policy names. */
  check(policy: Policy): Issue[] {
    const names = Object.keys(this.#sources);
    const at = `policy ${JSON.stringify(policy.name)}`;
    const known = names.length === 0 ? 'none' : names.join(', ');
    if (policy.database === undefined && names.length !== 1) {
      const what = `it names no database, and this worker has ${names.length === 0 ? 'none' : 'several'}`;
      return [{ at, what, fix: `Say database: with one of the worker's databases (${known})` }];
    }
    if (policy.database !== undefined && !names.includes(policy.database)) {
      const what = `it names database ${JSON.stringify(policy.database)}, which this worker does not have`;
      return [{ at, what, fix: `Use one of ${known}` }];
    }
    return [];
  }

  /** The name of the database of a policy that was checked. */
  nameFor(policy: Policy): string {
    return policy.database ?? Object.keys(this.#sources)[0] ?? '';
  }

  /** Opens all. One that cannot be opened now is opened when it is first needed. */
  async open(): Promise<void> {
    await Promise.allSettled(Object.keys(this.#sources).map(async (name) => this.named(name)));
  }

  /** A database, opened if it is not yet. */
  async named(name: string): Promise<Database> {
    const source = this.#sources[name];
    if (source === undefined) {
      throw new ValidationError(`database ${JSON.stringify(name)}`, [
        {
          at: 'worker',
          what: `it has no database ${JSON.stringify(name)}, which a run that is open works on`,
          fix: 'Start it with this database, so that the run can go on',
        },
      ]);
    }
    let database = this.#open.get(name);
    if (database === undefined) {
      database = openDatabase(source, this.#ledgerSchema, this.#maxSessions);
      this.#open.set(name, database);
      // What could not be opened is opened anew at the next use.
      database.catch(() => this.#open.delete(name));
    }
    return database;
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(open.map(async (database) => (await database).close()));
  }
}
