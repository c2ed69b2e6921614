import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { examineDatabase } from '../../activities/inspect/doctor.ts';
import type { Preview } from '../../activities/inspect/preview.ts';
import { previewPolicy } from '../../activities/inspect/preview.ts';
import { openDatabase } from '../../activities/ledger/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { createDatabase, openDatabase as openTestDatabase } from '../support/database.ts';
import type { EngineOptions } from '../support/engine.ts';
import { runEngine } from '../support/engine.ts';
import { describeNeeding } from '../support/needing.ts';
import { OLDER_PREFECTS } from '../support/parts/bring.ts';
import { makeEveryKind } from '../support/prefect/every-kind.ts';
import { everyPass, everyPassNames } from '../support/prefect/every-pass.ts';
import type { Fates } from '../support/prefect/fates.ts';
import { migratedPrefect } from '../support/prefect/migrated.ts';
import { horizonsNow } from '../support/prefect/retention.ts';
import { Before } from '../support/vacuum.ts';

const MINUTES = 60_000;
/** What each version's migrations leave last. */
const HEADS = {
  '3.4.7': '3b86c5ea017a',
  '3.6.19': 'a1b2c3d4e5f6',
  '3.7.8': 'bad1e352c597',
  '3.8.8': 'd4a7e1c93f52',
} as const;
const VERSIONS = Object.keys(HEADS) as (keyof typeof HEADS)[];
/** No version has these. */
const NEVER_THERE = [
  'create index concurrently on "public"."task_run_state_cache" ("cache_expiration");',
  'create index concurrently on "public"."task_run_state_cache" ("task_run_state_id");',
];
const OF_EVENT = 'create index concurrently on "public"."event_resources" ("event_id");';
/** Small batches do not depend on the schema, so that one version is enough. */
const CASES: readonly (readonly [keyof typeof HEADS, string, EngineOptions])[] = [
  ...VERSIONS.map((version) => [version, 'as planned', {}] as const),
  ...VERSIONS.map((version) => [version, 'by page ranges', { scan: 'by-location' }] as const),
  ['3.8.8', 'in batches of a few rows', { size: 3 }],
];

/** A database that a version's own migrations made, with rows of every kind. Nobody is connected to it. */
interface Filled {
  readonly database: TestDatabase;
  readonly fates: Fates;
}

describeNeeding(
  ['prefect', ...OLDER_PREFECTS.map((version) => `prefect-${version}` as const)],
  'the preset on the schemas of Prefect',
  () => {
    const filled = new Map<string, Filled>();

    beforeAll(async () => {
      await Promise.all(VERSIONS.map(async (version) => filled.set(version, await fill(version))));
    }, 3 * MINUTES);
    afterAll(async () => {
      for (const { database } of filled.values()) await database.drop();
    });

    async function copyDatabase(version: string): Promise<Filled> {
      const made = filled.get(version);
      if (made === undefined) throw new Error(`${version} was not filled`);
      return { database: await createDatabase(made.database.name), fates: made.fates };
    }

    test.each(CASES)('%s %s: what should go goes, and no more, as previewed', async (version, _, options) => {
      const { database, fates } = await copyDatabase(version);
      expect(await database.value('select version_num from alembic_version')).toBe(HEADS[version]);
      const before = await Before.of(database, {
        ...(await horizonsNow(database)),
        passes: everyPassNames(),
      });
      const { passes } = await preview(database);
      const idle = passes.filter(({ kind, rows }) => kind !== 'reportRows' && rows === 0);
      expect(idle).toEqual([]);
      const report = await runEngine(database.url, everyPass(), options);
      await fates.expectMet(database, everyPassNames());
      await before.expectRightRows();
      await before.expectExactAccount(report);
      expect(sum(passes)).toEqual(report.deleted);
      await database.drop();
    });

    test.each(VERSIONS)('%s: doctor says which index would help, with its statement', async (version) => {
      const { database } = await copyDatabase(version);
      const fixes = await indexFixes(database);
      expect(fixes).toEqual(version === '3.8.8' ? NEVER_THERE : [...NEVER_THERE, OF_EVENT]);
      for (const fix of fixes) await database.rows(fix);
      expect(await indexFixes(database)).toEqual([]);
      await database.drop();
    });

    test('with an index that is invalid the same rows go, and doctor says how to build it again', async () => {
      const { database, fates } = await copyDatabase('3.8.8');
      // As a build leaves it that was interrupted: not used for reading.
      await database.rows(
        `update pg_index set indisvalid = false where indexrelid = 'ix_event_resources__event_id'::regclass`,
      );
      const rebuild = 'reindex index concurrently "ix_event_resources__event_id";';
      expect(await indexFixes(database)).toEqual([...NEVER_THERE, rebuild]);
      const before = await Before.of(database, {
        ...(await horizonsNow(database)),
        passes: everyPassNames(),
      });
      await runEngine(database.url, everyPass());
      await fates.expectMet(database, everyPassNames());
      await before.expectRightRows();
      await database.drop();
    });

    test('where tables are missing their passes are not applicable and the others do their work', async () => {
      const { database } = await copyDatabase('3.8.8');
      await database.rows('drop table events, event_resources, task_run_state_cache');
      const lost = ['expired-state-cache', 'orphaned-state-cache', 'old-events', 'orphaned-event-resources'];
      const { passes } = await preview(database);
      expect(passes.flatMap(({ name, applicable }) => (applicable ? [] : [name]))).toEqual(lost);
      const report = await runEngine(database.url, everyPass());
      const skipped = report.passes.filter(({ status }) => status === 'not-applicable');
      expect(skipped.map(({ name }) => name)).toEqual(lost);
      expect(report.deleted['flow_run']).toBe(sum(passes)['flow_run']);
      expect(sum(passes)).toEqual(report.deleted);
      await database.drop();
    });
  },
);

async function fill(version: keyof typeof HEADS): Promise<Filled> {
  const database = await createDatabase(await migratedPrefect(version === '3.8.8' ? undefined : version));
  const connected = openTestDatabase(database.url);
  const fates = await makeEveryKind(connected);
  await connected.rows('analyze');
  await connected.drop();
  return { database, fates };
}

async function preview({ url }: TestDatabase): Promise<Preview> {
  const database = await openDatabase(url);
  try {
    return await previewPolicy(database, everyPass(), everyPassNames());
  } finally {
    await database.close();
  }
}

/** The statements that doctor advises for indexes. */
async function indexFixes({ url }: TestDatabase): Promise<string[]> {
  const database = await openDatabase(url);
  try {
    const findings = await examineDatabase(database, everyPass());
    return findings.flatMap(({ about, fix }) =>
      about.startsWith('index on') && fix !== undefined ? [fix] : [],
    );
  } finally {
    await database.close();
  }
}

function sum(passes: Preview['passes']): Record<string, number> {
  const rows: Record<string, number> = {};
  for (const { deleted } of passes) {
    for (const [table, count] of Object.entries(deleted)) rows[table] = (rows[table] ?? 0) + count;
  }
  return rows;
}
