import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { Finding } from '../activities/inspect/finding.ts';
import type { Issue } from '../policy/issue.ts';
import { ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import { prefect, prefectMaintenance } from '../policy/presets/prefect/index.ts';
import { suggestName } from '../policy/suggest-name.ts';
import { addSearchPath, findPrefectUrl, PREFECT_URL_VARIABLES } from './prefect-database.ts';
import { examinePrefectVacuum } from './prefect-vacuum.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A policy that the program brings. */
interface Preset {
  readonly policy: (settings: Readonly<Record<string, string>>, environment: Environment) => Policy;
  /** The application's variables with the URL of its database, for messages. */
  readonly urlVariables: readonly string[];
  /** The URL of the application's database by its own settings; undefined if none is set. */
  readonly findUrl: (environment: Environment) => string | undefined;
  /** Adds to a URL what the application connects with besides it. */
  readonly completeUrl: (url: string, environment: Environment) => string;
  /** Checks whether the application cleans its database itself. */
  readonly examineRival: (environment: Environment) => Promise<Finding[]>;
}

/** The variable of Prefect's maintenance script. */
const URL_SYNC = 'PREFECT_DB_URL_SYNC';

/** The presets by name. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  prefect: {
    policy: (settings, environment) => prefect(settings, environment),
    urlVariables: [...PREFECT_URL_VARIABLES, URL_SYNC],
    findUrl: (environment) =>
      findPrefectUrl(environment) ?? readVariable(environment, URL_SYNC) ?? findPrefectFile(environment),
    completeUrl: addSearchPath,
    examineRival: examinePrefectVacuum,
  },
  'prefect-maintenance': {
    policy: (settings) => prefectMaintenance(settings),
    urlVariables: [URL_SYNC, ...PREFECT_URL_VARIABLES],
    findUrl: (environment) =>
      readVariable(environment, URL_SYNC) ?? findPrefectUrl(environment) ?? findPrefectFile(environment),
    completeUrl: addSearchPath,
    examineRival: examinePrefectVacuum,
  },
};

/** Our own variable with the URL of the database. */
const URL_VARIABLE = 'VACUUM_DATABASE_URL';

/** Returns a preset. Throws a `ValidationError` if there is none of this name. */
export function findPreset(name: string): Preset {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset !== undefined) return preset;
  const fix = suggestName(name, Object.keys(PRESETS));
  throw new ValidationError(`preset ${JSON.stringify(name)}`, [
    { at: '--preset', what: `there is no preset ${JSON.stringify(name)}`, fix },
  ]);
}

/** How the URL of a database is found. */
type UrlSource = Pick<Preset, 'urlVariables' | 'findUrl' | 'completeUrl'>;

/** Of a command without a preset: whatever application the environment is of. */
export const ANY_PRESET: UrlSource = {
  urlVariables: [...PREFECT_URL_VARIABLES, URL_SYNC],
  findUrl: (environment) => findPrefectUrl(environment) ?? readVariable(environment, URL_SYNC),
  completeUrl: addSearchPath,
};

/** Returns the URL of the database: the given one, else that of our variable, else that of the preset's application. */
export function findUrl(given: string | undefined, source: UrlSource, environment: Environment): string {
  const url = given ?? readVariable(environment, URL_VARIABLE) ?? source.findUrl(environment);
  if (url !== undefined) return source.completeUrl(url, environment);
  const variables = [URL_VARIABLE, ...source.urlVariables].join(', ');
  throw new ValidationError('database', [
    {
      at: 'database',
      what: 'nothing says which database to clean',
      fix: `Say --url postgresql://user:password@host:5432/database or --url sqlite:////path/to/file.db, or set one of ${variables}. Prefect's profiles.toml is not read: set its variables in the environment, or in a file .env of this folder`,
    },
  ]);
}

function readVariable(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

/** Reads `--set key=value` pairs. Throws a `ValidationError` with all pairs that are malformed. */
export function parseSets(pairs: readonly string[]): Record<string, string> {
  const issues: Issue[] = [];
  const settings: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at > 0) settings[pair.slice(0, at)] = pair.slice(at + 1);
    else
      issues.push({
        at: `--set ${pair}`,
        what: 'it is no key=value',
        fix: 'Write --set retentionPeriod=30d',
      });
  }
  if (issues.length > 0) throw new ValidationError('--set', issues);
  return settings;
}

/**
 * The URL of the SQLite file that Prefect uses if nothing names another database: `prefect.db` in `PREFECT_HOME`, which is
 * `~/.prefect` by itself. Undefined if there is none, or if a file with settings of Prefect names a database.
 */
function findPrefectFile(environment: Environment): string | undefined {
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
