import type { LedgerReport } from '../../../activities/stored/report.ts';
import type { TestDatabase } from '../database.ts';
import { createDatabase, openDatabase } from '../database.ts';
import type { TemporalSession } from '../temporal.ts';
import { Before, prefectPolicy, vacuum } from '../vacuum.ts';
import { waitFor } from '../wait.ts';
import { ageHistory } from './age.ts';
import { Contents } from './contents.ts';
import { makeHistory } from './history.ts';
import type { PrefectHome } from './home.ts';
import { expectVacuum } from './model.ts';
import { startPrefectServer } from './server.ts';

/** With every pass that takes runs. */
const POLICY = prefectPolicy({ retentionPeriod: '90 days', oldSubflows: true });

/** One past, cleaned once by our vacuum and once through Prefect's API. */
export interface Comparison {
  /** The flow runs that should go, as the model has it; the API was told to delete these. */
  readonly runs: readonly string[];
  /** The same of task runs without a flow run. */
  readonly backgroundTasks: readonly string[];
  readonly past: Contents;
  readonly vacuumed: Contents;
  /** After the API has deleted the runs. */
  readonly byApi: Contents;
  /** After the API has also deleted the artifacts that our vacuum took. */
  readonly byApiWithArtifacts: Contents;
  /** What our vacuum worked on, and what it says of it. */
  readonly database: TestDatabase;
  readonly before: Before;
  readonly report: LedgerReport;
}

/** Makes a past on a copy of a migrated database and cleans it both ways. The caller drops `database`. */
export async function compare(
  home: PrefectHome,
  migrated: string,
  session: TemporalSession,
): Promise<Comparison> {
  const original = await makePast(home, migrated);
  const database = await createDatabase(original.name);
  const twin = await createDatabase(original.name);
  try {
    const passes = POLICY.passes.map(({ name }) => name);
    const before = await Before.of(database, { passes });
    const [runs, backgroundTasks] = await expired(twin, passes);
    const past = await Contents.of(twin);
    const report = await vacuum(session, database, [POLICY]);
    const vacuumed = await Contents.of(database);
    const artifacts = past.gone('artifact', vacuumed);
    const [byApi, byApiWithArtifacts] = await deleteByApi(home, twin, { runs, backgroundTasks, artifacts });
    return { runs, backgroundTasks, past, vacuumed, byApi, byApiWithArtifacts, database, before, report };
  } catch (error) {
    await database.drop();
    throw error;
  } finally {
    await twin.drop();
    await original.drop();
  }
}

/** A database with a past that Prefect itself wrote, to be copied: nobody is connected to it. */
async function makePast(home: PrefectHome, migrated: string): Promise<TestDatabase> {
  const database = await createDatabase(migrated);
  const server = await startPrefectServer(home, database.url, { services: true });
  const connected = openDatabase(database.url);
  try {
    await makeHistory(server, connected);
    // What is still to be written is written when the server ends, and must not meet rows that are aged.
    await server.stop();
    await ageHistory(connected);
  } finally {
    await server.stop();
    await connected.drop();
  }
  return database;
}

/** The flow runs and the background task runs that should go. */
async function expired(database: TestDatabase, passes: readonly string[]): Promise<[string[], string[]]> {
  const { stay } = await expectVacuum(database, {
    horizon: await database.value<string>(`select now() - interval '90 days'`),
    graceHorizon: await database.value<string>(`select now() - interval '1 day'`),
    passes,
  });
  const gone = async (table: string, where: string): Promise<string[]> => {
    const all = await database.rows<{ id: string }>(
      `select id::text from ${table} where ${where} order by id`,
    );
    return all.map(({ id }) => id).filter((id) => stay.get(table)?.has(id) !== true);
  };
  return [await gone('flow_run', 'true'), await gone('task_run', 'flow_run_id is null')];
}

/** Deletes one by one, runs first. Returns the contents after the runs and after the artifacts. */
async function deleteByApi(
  home: PrefectHome,
  database: TestDatabase,
  {
    runs,
    backgroundTasks,
    artifacts,
  }: Readonly<Record<'runs' | 'backgroundTasks' | 'artifacts', readonly string[]>>,
): Promise<[Contents, Contents]> {
  const { api, stop } = await startPrefectServer(home, database.url, { services: false });
  try {
    for (const id of runs) await api.delete(`/flow_runs/${id}`);
    for (const id of backgroundTasks) await api.delete(`/task_runs/${id}`);
    await waitFor('the lines of the deleted runs to go', async () =>
      database.value<boolean>(
        'select not exists (select from log where flow_run_id = any($1) or task_run_id = any($2))',
        [runs, backgroundTasks],
      ),
    );
    const withoutRuns = await Contents.of(database);
    for (const id of artifacts) await api.delete(`/artifacts/${id}`);
    return [withoutRuns, await Contents.of(database)];
  } finally {
    await stop();
  }
}
