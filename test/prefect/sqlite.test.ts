import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { examineDatabase } from '../../activities/inspect/doctor.ts';
import { previewPolicy } from '../../activities/inspect/preview.ts';
import { openDatabase } from '../../activities/ledger/database.ts';
import { readReport } from '../../activities/ledger/reports.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase, openDatabase as openTestDatabase } from '../support/database.ts';
import type { EngineOptions } from '../support/engine.ts';
import { describeNeeding } from '../support/needing.ts';
import { OLDER_PREFECTS } from '../support/parts/bring.ts';
import { copyToSqlite } from '../support/prefect/copy-to-sqlite.ts';
import { makeEveryKind } from '../support/prefect/every-kind.ts';
import { everyPass, everyPassNames } from '../support/prefect/every-pass.ts';
import { PREFECT_FILE_STATEMENTS } from '../support/prefect/fill-file.ts';
import { PrefectHome } from '../support/prefect/home.ts';
import { readIds, TABLES } from '../support/prefect/model.ts';
import { migratePrefect } from '../support/prefect/server.ts';
import type { TestFile } from '../support/sqlite.ts';
import { openFile } from '../support/sqlite.ts';
import { TemporalSession } from '../support/temporal.ts';
import { runAsPreviewed } from '../support/truth.ts';

const MINUTES = 60_000;
const VERSIONS = ['3.4.7', '3.6.19', '3.7.8', '3.8.8'] as const;
const CASES: readonly (readonly [(typeof VERSIONS)[number], string, EngineOptions])[] = [
  ...VERSIONS.map((version) => [version, 'as planned', {}] as const),
  ['3.8.8', 'in batches of a few rows', { size: 3 }],
  ['3.8.8', 'in physical order', { scan: 'by-location' }],
];

describeNeeding(
  ['temporal', 'prefect', ...OLDER_PREFECTS.map((version) => `prefect-${version}` as const)],
  "Prefect's default database, a SQLite file",
  () => {
    const homes = new Map<string, PrefectHome>();
    const session = new TemporalSession();
    let filled: TestDatabase;
    /** What a run of the same policy leaves and deletes on PostgreSQL. */
    let left: Record<string, string[]>;
    let gone: Record<string, number>;

    beforeAll(async () => {
      for (const version of VERSIONS) {
        const home = new PrefectHome();
        homes.set(version, home);
        await migratePrefect(home, urlIn(home), version === '3.8.8' ? undefined : version);
      }
      filled = await createDatabase();
      const connected = openTestDatabase(filled.url);
      await makeEveryKind(connected);
      // A database can be copied while nobody is connected to it.
      await connected.drop();
      const copy = await createDatabase(filled.name);
      gone = sumByTable(await runAsPreviewed(copy.url, everyPass()));
      left = Object.fromEntries(
        [...(await readIds(copy))].map(([table, ids]) => [table, [...ids].toSorted()]),
      );
      await copy.drop();
    }, 4 * MINUTES);
    afterAll(async () => {
      await session.close();
      await filled.drop();
      for (const home of homes.values()) home.remove();
    });

    function urlIn(home: PrefectHome): string {
      return `sqlite+aiosqlite:///${join(home.folder, 'prefect.db')}`;
    }

    /** Rows of every kind on both sides of every boundary. */
    async function fill(version: string): Promise<TestFile> {
      const file = openFile(join(homes.get(version)?.folder ?? '', 'prefect.db'));
      await copyToSqlite(filled, file);
      return file;
    }

    function readFileIds(file: TestFile): Record<string, string[]> {
      return Object.fromEntries(
        TABLES.map((table) => [
          table,
          file
            .rows<{ id: string }>(`select id from ${table}`)
            .map(({ id }) => id)
            .toSorted(),
        ]),
      );
    }

    test('the demo has the tables and indexes that the migrations of this Prefect make', () => {
      const file = openFile(join(homes.get('3.8.8')?.folder ?? '', 'prefect.db'));
      const made = file.rows<{ sql: string }>(
        `select sql from sqlite_schema where sql is not null and name <> 'alembic_version'`,
      );
      file.drop();
      expect(made.map(({ sql }) => sortParts(sql)).toSorted()).toEqual(
        PREFECT_FILE_STATEMENTS.map(sortParts).toSorted(),
      );
    });

    test.each(CASES)(
      '%s %s: the same rows go as on PostgreSQL, as previewed',
      async (version, _, options) => {
        const file = await fill(version);
        const onSqlite = await runAsPreviewed(file.url, everyPass(), options);
        expect(sumByTable(onSqlite)).toEqual(gone);
        expect(readFileIds(file)).toEqual(left);
        expect(file.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
        expect(file.rows('pragma foreign_key_check')).toEqual([]);
        file.drop();
      },
      MINUTES,
    );

    test(
      'a worker of ours runs the preset on it: the ledger is the difference, and the doctor has nothing to mend but indexes',
      async () => {
        const file = await fill('3.8.8');
        const url = urlIn(homes.get('3.8.8') as PrefectHome);
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
  },
);

/** A statement with its columns and constraints in order: Prefect's migrations write those of a table in any order. */
function sortParts(statement: string): string {
  return statement
    .replace(/\s*\)?;?\s*$/, '')
    .split(/,\s+/)
    .map((part) => part.replaceAll(/\s+/g, ' ').trim())
    .toSorted()
    .join(', ');
}

/** Rows by table, of all passes: where an index is missing another pass deletes the same rows. */
function sumByTable(
  byPass: Readonly<Record<string, Readonly<Record<string, number>>>>,
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [table, rows] of Object.values(byPass).flatMap((tables) => Object.entries(tables))) {
    sums[table] = (sums[table] ?? 0) + rows;
  }
  return sums;
}
