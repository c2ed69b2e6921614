import { expect } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';

import type { LedgerReport } from '../../activities/stored/report.ts';
import type { TestDatabase } from './database.ts';
import { createDatabase } from './database.ts';
import { fillPrefect } from './prefect/fill.ts';
import type { TemporalSession } from './temporal.ts';
import { Before, fetchReport } from './vacuum.ts';
import { waitFor } from './wait.ts';

/** Small batches, so that a run has many places to be killed at. */
export const MANY_BATCHES = { batchSize: 10, shards: 2 } as const;

/** A run that something terrible happens to, and the checks that must hold whatever it was. */
export class KilledRun {
  readonly database: TestDatabase;
  readonly taskQueue: string;
  readonly #session: TemporalSession;
  readonly #before: Before;
  #handle: WorkflowHandleWithFirstExecutionRunId | undefined;

  private constructor(session: TemporalSession, database: TestDatabase, before: Before) {
    this.#session = session;
    this.database = database;
    this.#before = before;
    this.taskQueue = session.queue();
  }

  /** Makes a database with every odd case. Hands that steer a run while it lasts need twice as many flow runs. */
  static async prepare(session: TemporalSession, server?: string, runs = 350): Promise<KilledRun> {
    const database = await createDatabase(undefined, server);
    const client = await database.pool.connect();
    await fillPrefect(client, {
      runs,
      oldRuns: Math.round(0.64 * runs),
      logsPerRun: 8,
      tasksPerRun: 2,
      goneRuns: Math.round(0.21 * runs),
      logsPerGoneRun: 6,
    });
    client.release();
    await database.rows('analyze');
    return new KilledRun(session, database, await Before.of(database));
  }

  get handle(): WorkflowHandleWithFirstExecutionRunId {
    if (this.#handle === undefined) throw new Error('the run is not started');
    return this.#handle;
  }

  async start(workflowId?: string): Promise<void> {
    this.#handle = await this.#session.start(this.taskQueue, undefined, workflowId);
  }

  /** Waits until the ledger has so many batches of the run. */
  async untilBatches(count: number, withinMillis?: number): Promise<void> {
    const isThere = async (): Promise<boolean> => {
      try {
        return (await this.database.value('select count(*) from vacuum.batch where rows > 0')) >= count;
      } catch {
        return false;
      }
    };
    await waitFor(`${count} batches in the ledger`, isThere, withinMillis);
  }

  /** Waits until so many slices were begun: the first ones are short, and hands need one that lasts. */
  async untilSlices(count: number): Promise<void> {
    await waitFor(`${count} slices`, async () => {
      const { events } = await this.handle.fetchHistory();
      const slices = events?.filter(
        ({ activityTaskScheduledEventAttributes: scheduled }) =>
          scheduled?.activityType?.name === 'vacuum.runSlice',
      );
      return (slices?.length ?? 0) >= count;
    });
  }

  /** What must not change however often a run is taken up again. */
  async frozen(): Promise<unknown> {
    return this.database.rows(
      'select ordinal, name, shards, stored from vacuum.pass order by run_id, ordinal',
    );
  }

  /** Awaits the end and checks everything that a crash could have broken. */
  async expectWhole(frozenBefore?: unknown): Promise<LedgerReport> {
    const result = (await this.handle.result()) as { status: string };
    expect(result.status).toBe('completed');
    const report = await fetchReport(this.database, this.handle.workflowId);
    await this.#before.expectRightRows();
    await this.#before.expectExactAccount(report);
    if (frozenBefore !== undefined) expect(await this.frozen()).toEqual(frozenBefore);
    return report;
  }

  /** Rows that are gone, by table. */
  async gone(): Promise<Record<string, number>> {
    return this.#before.gone();
  }

  /** Once the workers are gone, no session, no lock and no lease of theirs may be left. */
  async expectNothingLeft(): Promise<void> {
    await waitFor('all sessions of the vacuum to end', async () => {
      const sessions = await this.database.value(
        `select count(*) from pg_stat_activity where datname = $1 and application_name = 'temporal-vacuum'`,
        [this.database.name],
      );
      return sessions === 0;
    });
    expect(
      await this.database.value(
        `select count(*) from pg_locks where locktype = 'advisory' and database =
           (select oid from pg_database where datname = $1)`,
        [this.database.name],
      ),
    ).toBe(0);
    expect(await this.database.value('select count(*) from vacuum.run where ended_at is null')).toBe(0);
  }

  async drop(): Promise<void> {
    await this.database.drop();
  }
}
