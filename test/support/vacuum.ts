import { expect } from '@jest/globals';

import type { VacuumInput } from '../../activities/contract.ts';
import { openDatabase as openVacuumed } from '../../activities/ledger/database.ts';
import { readReport } from '../../activities/ledger/reports.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import type { Policy } from '../../policy/policy.ts';
import { prefect } from '../../policy/presets/prefect/index.ts';
import type { PrefectSettings } from '../../policy/presets/prefect/index.ts';
import type { TestDatabase } from './database.ts';
import { expectVacuum, readIds, TABLES } from './prefect/model.ts';
import type { ModelOptions } from './prefect/model.ts';
import type { TemporalSession } from './temporal.ts';

/** The Prefect policy, enabled, with nothing from the environment; most of a table may go, as tests want it. */
export function prefectPolicy(settings: PrefectSettings = {}): Policy {
  return prefect({ enabled: true, maxPercent: 100, ...settings }, {});
}

/** Runs a policy to its end on a worker of ours and returns what the ledger says. */
export async function vacuum(
  session: TemporalSession,
  database: Pick<TestDatabase, 'url'>,
  policies: readonly Policy[],
  input: VacuumInput = {},
): Promise<LedgerReport> {
  const taskQueue = session.queue();
  return session.withVacuum({ taskQueue, url: database.url, policies }, async () => {
    const handle = await session.start(taskQueue, input);
    await handle.result();
    return fetchReport(database, handle.workflowId);
  });
}

/** What the ledger says of the run of a workflow. */
export async function fetchReport(
  database: Pick<TestDatabase, 'url'>,
  workflowId: string,
): Promise<LedgerReport> {
  const { session: opened, ledger, close } = await openVacuumed(database.url);
  try {
    const run = await opened.ledger.runs.findLastOf(workflowId);
    const report = run === undefined ? undefined : await readReport(ledger, run);
    if (report === undefined) throw new Error(`no run of workflow ${workflowId} in the ledger`);
    return report;
  } finally {
    await close();
  }
}

/** The database before a vacuum, to check what a vacuum made of it. */
export class Before {
  readonly #database: TestDatabase;
  readonly #ids: Awaited<ReturnType<typeof readIds>>;
  readonly #expected: Awaited<ReturnType<typeof expectVacuum>>;

  private constructor(
    database: TestDatabase,
    ids: Awaited<ReturnType<typeof readIds>>,
    expected: Awaited<ReturnType<typeof expectVacuum>>,
  ) {
    this.#database = database;
    this.#ids = ids;
    this.#expected = expected;
  }

  static async of(database: TestDatabase, options: Partial<ModelOptions> = {}): Promise<Before> {
    const ago = async (period: string): Promise<string> =>
      database.value<string>('select now() - $1::interval', [period]);
    const expected = await expectVacuum(database, {
      horizon: await ago('90 days'),
      graceHorizon: await ago('1 day'),
      eventHorizon: await ago('7 days'),
      passes: prefectPolicy().passes.map(({ name }) => name),
      ...options,
    });
    return new Before(database, await readIds(database), expected);
  }

  /** Right rows: exactly what the model says is left, table by table, and collections name what they should. */
  async expectRightRows(): Promise<void> {
    const now = await readIds(this.#database);
    for (const table of TABLES) {
      const stay = this.#expected.stay.get(table) ?? new Set();
      const left = now.get(table) ?? new Set();
      expect({ table, lost: difference(stay, left), kept: difference(left, stay) }).toEqual({
        table,
        lost: [],
        kept: [],
      });
    }
    const collections = await this.#database.rows<{ id: string; latest: string }>(
      'select id::text, latest_id::text as latest from artifact_collection',
    );
    expect(new Map(collections.map((row) => [row.id, row.latest]))).toEqual(this.#expected.latest);
  }

  /** Exactly-once accounting: the ledger's sums are the rows that are gone, table by table, under keys used once. */
  async expectExactAccount(report: LedgerReport): Promise<void> {
    expect(report.deleted).toEqual(await this.gone());
    const batches = await this.#database.rows<{ deleted: Record<string, number> }>(
      'select deleted from vacuum.batch where run_id = $1',
      [report.run],
    );
    const sum: Record<string, number> = {};
    for (const { deleted } of batches) {
      for (const [table, rows] of Object.entries(deleted)) sum[table] = (sum[table] ?? 0) + rows;
    }
    expect(sum).toEqual(report.deleted);
    const gaps = await this.#database.rows(
      `select pass, shard, count(*), max(sequence) from vacuum.batch where run_id = $1
       group by pass, shard having count(*) <> max(sequence)`,
      [report.run],
    );
    expect(gaps).toEqual([]);
  }

  /** Rows that are gone now, by table, without tables that lost none. */
  async gone(): Promise<Record<string, number>> {
    const now = await readIds(this.#database);
    const gone: Record<string, number> = {};
    for (const [table, ids] of this.#ids) {
      const lost = difference(ids, now.get(table) ?? new Set()).length;
      if (lost > 0) gone[table] = lost;
    }
    return gone;
  }
}

function difference(a: ReadonlySet<string>, b: ReadonlySet<string>): string[] {
  return [...a].filter((id) => !b.has(id));
}
