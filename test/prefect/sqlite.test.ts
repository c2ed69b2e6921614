import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { examineDatabase } from '../../activities/inspect/doctor.ts';
import { previewPolicy } from '../../activities/inspect/preview.ts';
import { openDatabase } from '../../activities/ledger/database.ts';
import { readReport } from '../../activities/ledger/reports.ts';
import type { EngineOptions } from '../support/engine.ts';
import { describeNeeding } from '../support/needing.ts';
import { AsOnPostgres, readFileIds } from '../support/prefect/as-on-postgresql.ts';
import { everyPass, everyPassNames } from '../support/prefect/every-pass.ts';
import { PREFECT_FILE_STATEMENTS } from '../support/prefect/fill-file.ts';
import { TABLES } from '../support/prefect/model.ts';
import { TemporalSession } from '../support/temporal.ts';

const MINUTES = 60_000;
const CASES: readonly (readonly [string, EngineOptions])[] = [
  ['as planned', {}],
  ['in batches of a few rows', { size: 3 }],
  ['in physical order', { scan: 'by-location' }],
];

// Older versions of Prefect: `sqlite-versions.long.test.ts`.
describeNeeding(['temporal', 'prefect'], "Prefect's default database, a SQLite file", () => {
  const session = new TemporalSession();
  let prefect: AsOnPostgres;

  beforeAll(async () => {
    prefect = await AsOnPostgres.prepare([undefined]);
  }, 2 * MINUTES);
  afterAll(async () => {
    await session.close();
    await prefect.remove();
  });

  test('the demo has the tables and indexes that the migrations of this Prefect make', () => {
    const file = prefect.open();
    const made = file.rows<{ sql: string }>(
      `select sql from sqlite_schema where sql is not null and name <> 'alembic_version'`,
    );
    file.drop();
    expect(made.map(({ sql }) => sortParts(sql)).toSorted()).toEqual(
      PREFECT_FILE_STATEMENTS.map(sortParts).toSorted(),
    );
  });

  test.each(CASES)(
    '%s: the same rows go as on PostgreSQL, as previewed',
    async (_, options) => prefect.expectSameRows(undefined, options),
    MINUTES,
  );

  test(
    'a worker of ours runs the preset on it: the ledger is the difference, and the doctor has nothing to mend but indexes',
    async () => {
      const file = await prefect.fill();
      const url = prefect.url();
      const policy = everyPass();
      const database = await openDatabase(url);
      const preview = await previewPolicy(database, policy, everyPassNames());
      const before = readFileIds(file);
      const taskQueue = session.queue();
      await session.withVacuum({ taskQueue, url, policies: [policy] }, async () => {
        const handle = await session.start(taskQueue, {});
        await handle.result();
      });
      const runs = await database.session.ledger.reports.readRuns(policy.name, 1);
      const report = await readReport(database.ledger, runs[0]?.run ?? 0);
      const after = readFileIds(file);
      const lost = TABLES.map(
        (table) => [table, (before[table] ?? []).length - (after[table] ?? []).length] as const,
      );
      expect(report).toMatchObject({ status: 'completed' });
      expect(report?.deleted).toEqual(Object.fromEntries(lost.filter(([, rows]) => rows > 0)));
      expect(report?.passes.map(({ name, deleted }) => [name, deleted])).toEqual(
        preview.passes.map(({ name, deleted }) => [name, deleted]),
      );
      const problems = (await examineDatabase(database, policy)).filter(({ state }) => state === 'problem');
      expect(problems).toEqual([]);
      await database.close();
      file.drop();
    },
    2 * MINUTES,
  );
});

/** A statement with its columns and constraints in order: Prefect's migrations write those of a table in any order. */
function sortParts(statement: string): string {
  return statement
    .replace(/\s*\)?;?\s*$/, '')
    .split(/,\s+/)
    .map((part) => part.replaceAll(/\s+/g, ' ').trim())
    .toSorted()
    .join(', ');
}
