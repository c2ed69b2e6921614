import { assertValid } from '../../policy/issue.ts';
import type { Session } from '../dialect/dialect.ts';
import type { LedgerVersion } from '../dialect/ledger-store.ts';

/** The schema of the ledger, if a worker is not given another. */
export const LEDGER_SCHEMA = 'vacuum';

/** Our own tables in a cleaned database. */
export class Ledger {
  readonly session: Session;
  readonly schema: string;
  #migrated = false;

  /** The session's ledger lies in the schema. */
  constructor(session: Session, schema: string) {
    this.session = session;
    this.schema = schema;
  }

  /** A key for locks that are about this ledger. */
  lockKey(...about: readonly (string | number)[]): string {
    return ['temporal-vacuum', this.schema, ...about].join(' ');
  }

  /** Which tables the database has, without changing anything. */
  async version(): Promise<LedgerVersion> {
    return this.session.ledger.tables.readVersion();
  }

  /**
   * Creates or upgrades the tables; does nothing if they are current. Workers that start together go one after the
   * other. Throws a `ValidationError` if the ledger is newer than this program or may not be created.
   */
  async migrate(): Promise<void> {
    if (this.#migrated) return;
    const version = await this.version();
    if (version === 'newer')
      this.#refuse('its ledger is of a newer version', 'Upgrade temporal-vacuum on this worker');
    if (version === 'closed') {
      const grant = `usage on schema ${this.schema} and select, insert, update, delete on its tables`;
      this.#refuse('its role may not read the ledger', `Grant it ${grant}`);
    }
    if (version !== 'current') await this.#upgrade();
    this.#migrated = true;
  }

  async #upgrade(): Promise<void> {
    const { tables } = this.session.ledger;
    if (!(await tables.canCreate())) {
      this.#refuse(
        'it has no current ledger and its role may not make one',
        'Run `temporal-vacuum ledger migrate` once with the URL of a role that may',
      );
    }
    await tables.create(this.lockKey('migrate'));
  }

  #refuse(what: string, fix: string): void {
    assertValid('database', [{ at: 'database', what, fix, here: `schema ${this.schema}` }]);
  }
}
