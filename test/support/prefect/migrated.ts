import { createDatabase } from '../database.ts';
import { makeOnce } from '../make-once.ts';
import type { OlderPrefectVersion } from '../parts/bring.ts';
import { PrefectHome } from './home.ts';
import { migratePrefect } from './server.ts';

/**
 * Returns the name of a database with the schema of this Prefect, or of an older one, made by its own migrations once for all
 * test files of a run. Nobody connects to it, so that tests can copy it.
 */
export async function migratedPrefect(older?: OlderPrefectVersion): Promise<string> {
  return makeOnce(`prefect-${older ?? 'newest'}`, async () => {
    const home = new PrefectHome();
    const database = await createDatabase('template1');
    try {
      await migratePrefect(home, database.url, older);
    } finally {
      home.remove();
      await database.pool.end();
    }
    return database.name;
  });
}
