import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { DatabaseSource } from '../activities/ledger/database.ts';
import { ValidationError } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import { checkOptions } from './check-options.ts';

/** The default export of a configuration file. */
export interface VacuumConfig {
  /** The databases, by the names that policies use: see `VacuumPluginOptions.databases`. */
  readonly databases: Readonly<Record<string, DatabaseSource>>;
  readonly policies: readonly Policy[];
  /** The task queue of the worker, the schedules and the runs. Default `vacuum`. */
  readonly taskQueue?: string;
  /** The schema of the ledger in each database. Default `vacuum`. */
  readonly ledgerSchema?: string;
  /**
   * Tables that need no policy, as reports write them, each with the reason. `init --check` lists all others that no policy
   * covers. Default: none.
   */
  readonly waived?: Readonly<Record<string, string>>;
}

/** The default task queue. */
export const TASK_QUEUE = 'vacuum';

const NAMES = ['vacuum.config.ts', 'vacuum.config.mts', 'vacuum.config.js', 'vacuum.config.mjs'];

/** For the default export of `vacuum.config.ts`: checks its shape while it is written. */
export function defineConfig(config: VacuumConfig): VacuumConfig {
  return config;
}

/** Returns the path of the configuration file in a folder, if there is one. */
export function findConfig(folder: string): string | undefined {
  return NAMES.map((name) => resolve(folder, name)).find((path) => existsSync(path));
}

const NEWER_NODE = `Run it with Node.js 22.18 or newer, which reads TypeScript: this is ${process.version}. Or write it in JavaScript`;

const NO_JSON =
  'Write vacuum.config.mjs, which may read settings from this file: a policy names entities, which are code';

/** An older Node.js reads no TypeScript. */
function isUnreadableType(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION';
}

const NO_MODULE =
  'Name it vacuum.config.mts, or say "type": "module" in package.json: Node.js takes it for CommonJS';

/** In a package of CommonJS a file is a module only by its name. */
function isNoModule(error: unknown): boolean {
  return error instanceof SyntaxError && error.message.includes('import statement outside a module');
}

function isJson(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_IMPORT_ATTRIBUTE_MISSING';
}

function findFix(error: unknown): string {
  if (isUnreadableType(error)) return NEWER_NODE;
  if (isNoModule(error)) return NO_MODULE;
  return isJson(error) ? NO_JSON : 'Correct the file';
}

/** Loads a configuration file. Throws a `ValidationError` that says what is wrong with it. */
export async function loadConfig(path: string): Promise<VacuumConfig> {
  const file = isAbsolute(path) ? path : resolve(path);
  const at = `configuration ${path}`;
  if (!existsSync(file)) {
    throw new ValidationError(at, [
      { at, what: 'there is no such file', fix: 'Name an existing one with --config' },
    ]);
  }
  let loaded: unknown;
  try {
    loaded = (await import(pathToFileURL(file).href)) as unknown;
  } catch (error) {
    if (error instanceof ValidationError) throw error;
    const what = `it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
    throw new ValidationError(at, [{ at, what, fix: findFix(error) }]);
  }
  const config =
    typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
  if (typeof config !== 'object' || config === null) {
    const what = 'its default export is no configuration';
    throw new ValidationError(at, [
      { at, what, fix: 'Write `export default defineConfig({ databases, policies })`' },
    ]);
  }
  return checkOptions('config', config as VacuumConfig, at);
}
