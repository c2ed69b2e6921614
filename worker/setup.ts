import { displayUrl, readUrl } from '../activities/dialect/choose-dialect.ts';
import type { DatabaseSource } from '../activities/ledger/database.ts';
import { ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import { suggestName } from '../policy/suggest-name.ts';
import type { VacuumConfig } from './config.ts';
import { findConfig, loadConfig, TASK_QUEUE } from './config.ts';
import { ANY_PRESET, findPreset, findUrl, parseSets, PRESETS } from './presets.ts';

/** The options that select databases and policies. */
export interface SetupOptions {
  readonly config?: string | undefined;
  readonly preset?: string | undefined;
  readonly url?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly taskQueue?: string | undefined;
  readonly ledgerSchema?: string | undefined;
}

/** The databases and policies of a command. */
export interface Setup {
  readonly databases: Readonly<Record<string, DatabaseSource>>;
  readonly policies: readonly Policy[];
  readonly taskQueue: string;
  readonly ledgerSchema: string | undefined;
  /** The database in messages, without user and password. */
  readonly displayName: string;
  /** Tables that need no policy, with the reason. Default: none. */
  readonly waived?: Readonly<Record<string, string>>;
}

/**
 * Finds databases and policies: those of a preset if the option or the policy names one, else those of the configuration
 * file. Flags override the file. Throws a `ValidationError`.
 */
export async function findSetup(options: SetupOptions, policy?: string): Promise<Setup> {
  const file = options.config ?? findConfig(process.cwd());
  const config = file === undefined || options.preset !== undefined ? undefined : await loadConfig(file);
  const isPreset = policy !== undefined && Object.hasOwn(PRESETS, policy);
  const inConfig = config?.policies.some((known) => known.name === policy) ?? false;
  const preset = options.preset ?? (isPreset && !inConfig ? policy : undefined);
  if (preset !== undefined) return presetSetup(preset, options);
  if (config !== undefined) return configSetup(config, options);
  const what =
    policy === undefined
      ? 'nothing says which policies there are'
      : `there is no policy ${JSON.stringify(policy)}`;
  const presets = suggestName(policy, Object.keys(PRESETS), 'a preset of');
  throw new ValidationError('command', [
    {
      at: 'command',
      what,
      fix: `${presets}, or a policy of a vacuum.config.ts: \`temporal-vacuum init\` proposes one for a database`,
    },
  ]);
}

/**
 * Finds databases for a command that needs no policy. It works as {@link findSetup}, but without a preset and a
 * configuration file it needs only the URL.
 */
export async function findDatabaseSetup(options: SetupOptions, policy?: string): Promise<Setup> {
  const { setup, unknown } = await findPastSetup(options, policy);
  // A misspelt name would find no ledger and no hold, as if all were well.
  if (unknown !== undefined) throw unknown;
  return setup;
}

/** Where the past of a policy may be found. */
export interface PastSetup {
  readonly setup: Setup;
  readonly policy: string | undefined;
  /** What to say of a policy that is not configured: it is misspelt, or it was removed and its runs are in the ledger. */
  readonly unknown: ValidationError | undefined;
}

/** Finds databases as {@link findDatabaseSetup} does, also for a policy that is not configured. */
export async function findPastSetup(options: SetupOptions, policy?: string): Promise<PastSetup> {
  const isPreset = options.preset !== undefined || (policy !== undefined && Object.hasOwn(PRESETS, policy));
  if (isPreset || options.config !== undefined || findConfig(process.cwd()) !== undefined) {
    const setup = await findSetup(options, options.preset ?? policy);
    return { setup, policy, unknown: policy === undefined ? undefined : findUnknown(setup, policy) };
  }
  return { setup: findUrlSetup(options), policy, unknown: undefined };
}

/** What to say of a policy that is not configured. */
export function findUnknown(setup: Setup, policy: string): ValidationError | undefined {
  try {
    findPolicy(setup, policy);
    return undefined;
  } catch (error) {
    if (error instanceof ValidationError) return error;
    throw error;
  }
}

/** Finds the database of `--url`, or of a variable. Reads no configuration file. */
export function findUrlSetup({ url: given, ledgerSchema, taskQueue = TASK_QUEUE }: SetupOptions): Setup {
  const url = readUrl(findUrl(given, ANY_PRESET, process.env));
  return { databases: { main: url }, policies: [], taskQueue, ledgerSchema, displayName: displayUrl(url) };
}

/** Returns the policy with a name, or the only policy if no name is given. Throws a `ValidationError`. */
export function findPolicy({ policies }: Setup, name: string | undefined): Policy {
  const names = policies.map((policy) => policy.name);
  if (name === undefined && policies.length === 1 && policies[0] !== undefined) return policies[0];
  const policy = policies.find((candidate) => candidate.name === name);
  if (policy !== undefined) return policy;
  const what =
    name === undefined
      ? `no policy is named, and there are ${policies.length === 0 ? 'none' : 'several'}`
      : `there is no policy ${JSON.stringify(name)}`;
  throw new ValidationError('command', [
    { at: 'POLICY', what, fix: names.length === 0 ? 'Declare one' : suggestName(name, names) },
  ]);
}

function presetSetup(name: string, options: SetupOptions): Setup {
  const preset = findPreset(name);
  const issues: ValidationError[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      issues.push(error);
      return undefined;
    }
  };
  const policy = attempt(() => preset.policy(parseSets(options.set ?? []), process.env));
  const url = attempt(() => readUrl(findUrl(options.url, preset, process.env)));
  if (policy === undefined || url === undefined) {
    throw new ValidationError(
      `preset ${name}`,
      issues.flatMap((error) => error.issues),
    );
  }
  return {
    databases: { main: url },
    policies: [policy],
    taskQueue: options.taskQueue ?? TASK_QUEUE,
    ledgerSchema: options.ledgerSchema,
    displayName: displayUrl(url),
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
      ? { [names[0]]: readUrl(options.url) }
      : config.databases;
  return {
    databases,
    policies: config.policies,
    taskQueue: options.taskQueue ?? config.taskQueue ?? TASK_QUEUE,
    ledgerSchema: options.ledgerSchema ?? config.ledgerSchema,
    displayName: names.length === 1 ? `database ${names[0] ?? ''}` : 'the databases',
    waived: config.waived ?? {},
  };
}
