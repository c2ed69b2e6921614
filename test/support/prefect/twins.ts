import type { TestDatabase } from '../database.ts';
import { createDatabase, openDatabase } from '../database.ts';
import { ageHistory } from './age.ts';
import type { PrefectHome } from './home.ts';
import { makeHistory } from './history.ts';
import { migratePrefect, startPrefectServer } from './server.ts';

/** A database made by Prefect's own migrations, empty. Nobody stays connected, so that it can be a template. */
export async function createMigrated(home: PrefectHome): Promise<TestDatabase> {
  const database = await createDatabase('template1');
  await migratePrefect(home, database.url);
  return database;
}

/** Two equal databases with a history that Prefect itself wrote. */
export async function createTwins(home: PrefectHome, migrated: string): Promise<[TestDatabase, TestDatabase]> {
  const original = await createDatabase(migrated);
  try {
    const server = await startPrefectServer(home, original.url, { services: true });
    const session = openDatabase(original.url);
    try {
      await makeHistory(server, session);
      await server.stop();
      await ageHistory(session);
    } finally {
      await server.stop();
      await session.drop();
    }
    return [await createDatabase(original.name), await createDatabase(original.name)];
  } finally {
    await original.drop();
  }
}
