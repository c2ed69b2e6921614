import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The URL of the SQLite file that Prefect uses if nothing names another database: `prefect.db` in `PREFECT_HOME`, which is
 * `~/.prefect` by itself. Undefined if there is none, or if a file with settings of Prefect names a database.
 */
export function findPrefectFile(environment: Environment): string | undefined {
  const { PREFECT_HOME: given = '' } = environment;
  const home = (given === '' ? '~/.prefect' : given).replace(/^~(?=\/|$)/, homedir());
  const file = join(home, 'prefect.db');
  const settings = [join(home, 'profiles.toml'), '.env', 'prefect.toml', 'pyproject.toml'];
  return existsSync(file) && !settings.some(namesDatabase) ? `sqlite:///${file}` : undefined;
}

/** Whether a file sets the database: which of several profiles is active is Prefect's to know. */
function namesDatabase(path: string): boolean {
  try {
    return /^\s*(?:PREFECT_(?:API|SERVER)_DATABASE_\w+|connection_url)\s*=/m.test(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}
