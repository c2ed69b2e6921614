import type { Finding } from '../activities/inspect/finding.ts';
import type { Issue } from '../policy/issue.ts';
import { ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import { prefect, prefectMaintenance } from '../policy/presets/prefect/index.ts';
import { examinePrefectVacuum } from './prefect-vacuum.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A policy that the program brings. */
export interface Preset {
  readonly policy: (settings: Readonly<Record<string, string>>, environment: Environment) => Policy;
  /** The application's variables with the URL of its database. The first that is set counts. */
  readonly urlVariables: readonly string[];
  /** Checks whether the application cleans its database itself. */
  readonly examineRival: (environment: Environment) => Promise<Finding[]>;
}

/** The presets by name. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  prefect: {
    policy: (settings, environment) => prefect(settings, environment),
    urlVariables: [
      'PREFECT_SERVER_DATABASE_CONNECTION_URL',
      'PREFECT_API_DATABASE_CONNECTION_URL',
      'PREFECT_DB_URL_SYNC',
    ],
    examineRival: examinePrefectVacuum,
  },
  'prefect-maintenance': {
    policy: (settings) => prefectMaintenance(settings),
    urlVariables: [
      'PREFECT_DB_URL_SYNC',
      'PREFECT_SERVER_DATABASE_CONNECTION_URL',
      'PREFECT_API_DATABASE_CONNECTION_URL',
    ],
    examineRival: examinePrefectVacuum,
  },
};

/** Our own variable with the URL of the database. */
const URL_VARIABLE = 'VACUUM_DATABASE_URL';

/** Returns a preset. Throws a `ValidationError` if there is none of this name. */
export function findPreset(name: string): Preset {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset !== undefined) return preset;
  const known = Object.keys(PRESETS).join(', ');
  throw new ValidationError(`preset ${JSON.stringify(name)}`, [
    { at: '--preset', what: `there is no preset ${JSON.stringify(name)}`, fix: `Use one of ${known}` },
  ]);
}

/** Returns the URL of the database: the given one, else that of our variable, else that of the preset's variables. */
export function findUrl(
  given: string | undefined,
  preset: Pick<Preset, 'urlVariables'>,
  environment: Environment,
): string {
  const variables = [URL_VARIABLE, ...preset.urlVariables];
  const url =
    given ?? variables.map((name) => environment[name]).find((value) => value !== undefined && value !== '');
  if (url !== undefined) return url;
  throw new ValidationError('database', [
    {
      at: 'database',
      what: 'nothing says which database to clean',
      fix: `Say --url postgresql://user:password@host:5432/database, or set one of ${variables.join(', ')}`,
    },
  ]);
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
