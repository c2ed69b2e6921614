import { afterEach, beforeEach } from '@jest/globals';

import type { Session, Tx } from '../../../../activities/dialect/dialect.ts';
import type { ScanStep } from '../../../../activities/dialect/scan.ts';
import type { Condition, View } from '../../../../activities/dialect/view.ts';
import type { ColumnName, TableName } from '../../../../activities/stored/columns.ts';
import type { Shard } from '../../../../activities/stored/scan.ts';

/**
 * A database of one test, with empty tables that the dialect makes in its own types: `parent(id)`, `item(id, parent_id, state,
 * at)` with an index on `at` and one on `parent_id`, `child(id, item_id)` whose foreign key cascades, `note(id, item_id)`
 * without a foreign key, and `latest(id, grp, item_id)`.
 */
export interface DialectHarness {
  readonly session: Session;
  /** Runs statements that every dialect understands, past the seam. */
  execute(sql: string): Promise<void>;
  /** The only value of a statement. */
  value(sql: string): Promise<number>;
  readonly schema: string;
  /** The types of the columns, as the dialect writes them. */
  readonly types: { readonly integer: string; readonly instant: string; readonly text: string };
  close(): Promise<void>;
}

export const LIMITS = { lockMillis: 5_000, statementMillis: 30_000 };
export const HORIZON = '2024-01-11T00:00:00.000Z';

/** A new database for each test of the `describe` around it, which is closed after the test. */
export function useItemDatabase(open: () => Promise<DialectHarness>): ItemDatabase {
  const db = new ItemDatabase();
  beforeEach(async () => {
    db.harness = await open();
  });
  afterEach(async () => db.harness.close());
  return db;
}

/** The database of a test, and what tests do with its items. */
export class ItemDatabase {
  #harness: DialectHarness | undefined;

  set harness(harness: DialectHarness) {
    this.#harness = harness;
  }

  get harness(): DialectHarness {
    if (this.#harness === undefined) throw new Error('the database is only there in a test');
    return this.#harness;
  }

  get item(): TableName {
    return this.table('item');
  }

  get columns(): Record<'id' | 'parentId' | 'state' | 'at', ColumnName> {
    const { integer, instant, text } = this.harness.types;
    return {
      id: { name: 'id', type: integer },
      parentId: { name: 'parent_id', type: integer },
      state: { name: 'state', type: text },
      at: { name: 'at', type: instant },
    };
  }

  table(name: string): TableName {
    return { schema: this.harness.schema, name, label: name };
  }

  /** Items 1..n, one a day from 2024-01-01 on. */
  async fillItems(count: number, parent = 'null'): Promise<void> {
    for (let id = 1; id <= count; id += 1) {
      const day = new Date(Date.UTC(2024, 0, id)).toISOString().slice(0, 10);
      await this.harness.execute(
        `insert into item (id, parent_id, state, at) values (${id}, ${parent}, 'done', '${day} 00:00:00+00:00')`,
      );
    }
  }

  async remaining(table = 'item'): Promise<number> {
    return this.harness.value(`select count(*) from ${table}`);
  }

  async inTx<T>(work: (tx: Tx, view: View) => Promise<T>): Promise<T> {
    return this.harness.session.transaction(LIMITS, async (tx) => work(tx, tx.view()));
  }

  older(view: View): Condition {
    return view.isOlder(this.columns.at, HORIZON);
  }

  async planShard(scan: Shard['scan']): Promise<Shard> {
    switch (scan) {
      case 'by-age':
        return { scan, from: null, until: HORIZON, oldest: null };
      case 'by-parent-key':
        return { scan, after: null, until: null };
      case 'by-location':
      case 'by-partition':
      case 'tables':
      case 'files':
        return { scan: 'by-location', fromPage: 0, untilPage: 1, open: true, rowsPerPage: 50 };
    }
  }

  step(shard: Shard, cursor: ScanStep['cursor'], limit: number): ScanStep {
    return { shard, cursor, limit, exact: true, readFactor: 1 };
  }

  /** Starts a run with nothing but its row. */
  async startRun(): Promise<number> {
    const settings = { plan: { policy: 'p', database: 'main', passes: [], sliceSeconds: 20 } };
    const owner = { workflowId: 'w', firstRunId: 'r', temporal: 't' };
    const now = new Date().toISOString();
    const run = await this.harness.session.ledger.runs.insert(owner, settings as never, now);
    if (run === undefined) throw new Error('the policy is busy');
    return run;
  }
}
