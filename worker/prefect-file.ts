import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables by which Prefect is given another database than its file, part by part. */
const PARTS = ['DRIVER', 'HOST', 'NAME', 'USER', 'PASSWORD'].map((part) => `PREFECT_SERVER_DATABASE_${part}`);

/**
 * The URL of the SQLite file that Prefect uses if nothing names another database: `prefect.db` in `PREFECT_HOME`, which is
 * `~/.prefect` by itself. Undefined if there is none, or if a profile or a variable of Prefect names a database.
 */
export function findPrefectFile(environment: Environment): string | undefined {
  if (PARTS.some((name) => (environment[name] ?? '') !== '')) return undefined;
  const home =
    (environment['PREFECT_HOME'] ?? '') === '' ? join(homedir(), '.prefect') : environment['PREFECT_HOME'];
  const folder = (home ?? '').replace(/^~(?=\/|$)/, homedir());
  const file = join(folder, 'prefect.db');
  if (!existsSync(file) || namesDatabase(join(folder, 'profiles.toml'))) return undefined;
  return `sqlite:///${file}`;
}

/** Whether a profile sets the database: which profile is active is Prefect's to know. */
function namesDatabase(profiles: string): boolean {
  try {
    return /^\s*PREFECT_(?:API|SERVER)_DATABASE_\w+\s*=/m.test(readFileSync(profiles, 'utf8'));
  } catch {
    return false;
  }
}
