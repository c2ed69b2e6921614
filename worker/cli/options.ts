import type { LogLevel } from '@temporalio/worker';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';

import type { SetupOptions } from '../setup.ts';

/** Options that say where policies and databases come from. */
export function withSetup(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: vacuum.config.ts of this folder)')
    .option('--preset <name>', 'use a policy that comes with the program: prefect or prefect-maintenance')
    .option('--url <url>', 'the database (default: VACUUM_DATABASE_URL, then the variables of the preset)')
    .option(
      '--set <key=value>',
      'a setting of the preset, such as retentionPeriod=30d; may be repeated',
      collect,
      [],
    )
    .option('--ledger-schema <name>', 'the schema of the ledger (default: vacuum)');
}

/** Options that say which Temporal. */
export function withTemporal(command: Command): Command {
  return command
    .option(
      '--address <host:port>',
      'Temporal (default: TEMPORAL_ADDRESS or temporal.toml, then localhost:7233)',
    )
    .option(
      '--namespace <name>',
      'the namespace (default: TEMPORAL_NAMESPACE or temporal.toml, then default)',
    )
    .option('--task-queue <name>', 'the task queue of the worker (default: vacuum)');
}

/** The option of every command for programs that read its output. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON instead of text', false);
}

const LEVELS: readonly LogLevel[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'];

/** The option for the level of the worker's log. */
export function logLevel(usual: LogLevel): Option {
  return new Option('--log-level <level>', "the level of the worker's log on standard error")
    .choices(LEVELS)
    .default(usual);
}

/** Reads a number of a run, or of runs. */
export function toNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('It is no whole number above 0.');
}

/** The option for runs that may delete more of a table than their policy allows. */
export function allowPercent(): Option {
  return new Option(
    '--allow-percent <number>',
    'let runs delete so much of a table where their policy allows less, in percent (limits.maxPercent)',
  ).argParser(toPercent);
}

function toPercent(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= 0 && number <= 100) return number;
  throw new InvalidArgumentError('It is no number from 0 to 100.');
}

/** The option of commands that need no policy: which database. */
export function databaseName(): Option {
  return new Option('--database <name>', 'the database of the configuration file, where it has several');
}

/** Collects a repeatable option. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** What {@link withSetup} and {@link withJson} give. */
export interface SetupFlags extends SetupOptions {
  readonly json: boolean;
}

/** What {@link databaseName} gives besides. */
export interface DatabaseFlags extends SetupFlags {
  readonly database?: string;
}
