import type { DatabaseSource } from '../activities/database/database.ts';
import { sayDatabase, toPgUrl } from '../activities/database/url.ts';
import { ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import type { VacuumConfig } from './config.ts';
import { findConfig, loadConfig, TASK_QUEUE } from './config.ts';
import { findPreset, findUrl, parseSets, PRESETS } from './presets.ts';

/** What a person says of where the policies come from. */
export interface SetupOptions {
  readonly config?: string | undefined;
  readonly preset?: string | undefined;
  readonly url?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly taskQueue?: string | undefined;
  readonly ledgerSchema?: string | undefined;
}

/** Databases and policies to work with. */
export interface Setup {
  readonly databases: Readonly<Record<string, DatabaseSource>>;
  readonly policies: readonly Policy[];
  readonly taskQueue: string;
  readonly ledgerSchema: string | undefined;
  /** The database as messages call it: never with user or password. */
  readonly said: string;
}

/**
 * Finds databases and policies: a preset where one is named, by option or as the policy, else the configuration
 * file. Flags win over the file. Throws a `ValidationError`.
 */
export async function findSetup(options: SetupOptions, policy?: string): Promise<Setup> {
  const file = options.config ?? findConfig(process.cwd());
  const config = file === undefined || options.preset !== undefined ? undefined : await loadConfig(file);
  const isPreset = policy !== undefined && Object.hasOwn(PRESETS, policy);
  const inConfig = config?.policies.some((known) => known.name === policy) ?? false;
  const preset = options.preset ?? (isPreset && !inConfig ? policy : undefined);
  if (preset !== undefined) return presetSetup(preset, options);
  if (config !== undefined) return configSetup(config, options);
  // Without anything else to go by, an unknown policy is best answered with what there is.
  const what =
    policy === undefined
      ? 'nothing says which policies there are'
      : `there is no policy ${JSON.stringify(policy)}`;
  const presets = Object.keys(PRESETS).join(', ');
  throw new ValidationError('command', [
    {
      at: 'command',
      what,
      fix: `Name a preset (${presets}), or write a vacuum.config.ts and name one of its policies`,
    },
  ]);
}

/**
 * Finds databases for a command that needs no policy: as {@link findSetup}, and where neither a preset nor a
 * configuration file is there, the URL alone will do.
 */
export async function findDatabaseSetup(options: SetupOptions): Promise<Setup> {
  if (
    options.preset !== undefined ||
    options.config !== undefined ||
    findConfig(process.cwd()) !== undefined
  ) {
    return findSetup(options, options.preset);
  }
  const urlVariables = Object.values(PRESETS).flatMap((preset) => preset.urlVariables);
  const url = toPgUrl(findUrl(options.url, { urlVariables }, process.env));
  const { ledgerSchema, taskQueue = TASK_QUEUE } = options;
  return { databases: { main: url }, policies: [], taskQueue, ledgerSchema, said: sayDatabase(url) };
}

function presetSetup(name: string, options: SetupOptions): Setup {
  const preset = findPreset(name);
  const mistakes: ValidationError[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      mistakes.push(error);
      return undefined;
    }
  };
  const policy = attempt(() => preset.policy(parseSets(options.set ?? []), process.env));
  const url = attempt(() => toPgUrl(findUrl(options.url, preset, process.env)));
  if (policy === undefined || url === undefined) {
    throw new ValidationError(
      `preset ${name}`,
      mistakes.flatMap((error) => error.issues),
    );
  }
  return {
    databases: { main: url },
    policies: [policy],
    taskQueue: options.taskQueue ?? TASK_QUEUE,
    ledgerSchema: options.ledgerSchema,
    said: sayDatabase(url),
  };
}

function configSetup(config: VacuumConfig, options: SetupOptions): Setup {
  if ((options.set ?? []).length > 0) {
    throw new ValidationError('command', [
      {
        at: '--set',
        what: 'it sets a setting of a preset, and none is used',
        fix: 'Change the configuration file instead',
      },
    ]);
  }
  const names = Object.keys(config.databases);
  const databases =
    options.url !== undefined && names[0] !== undefined && names.length === 1
      ? { [names[0]]: toPgUrl(options.url) }
      : config.databases;
  return {
    databases,
    policies: config.policies,
    taskQueue: options.taskQueue ?? config.taskQueue ?? TASK_QUEUE,
    ledgerSchema: options.ledgerSchema ?? config.ledgerSchema,
    said: names.length === 1 ? `database ${names[0] ?? ''}` : 'the databases',
  };
}
