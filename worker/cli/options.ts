import type { LogLevel } from '@temporalio/worker';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';

import { ValidationError } from '../../policy/issue.ts';
import type { SetupOptions } from '../setup.ts';

/** Adds the options that select policies and databases. */
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

/** Adds the policy as every command takes it: as its argument, or as `--policy`. */
export function withPolicy(command: Command): Command {
  const described = command.argument('[policy]', 'a policy of the configuration file, or a preset');
  return withPolicyOption(described, 'the same as the argument');
}

/** Adds the policy to a command whose argument is something else. */
export function withPolicyOption(
  command: Command,
  description = 'the policy, if there are several',
): Command {
  return command.option('--policy <name>', description);
}

/** Returns the policy that the argument or `--policy` names. Throws a `ValidationError` if they name two. */
export function readPolicyName(
  argument: string | undefined,
  { policy }: Pick<SetupFlags, 'policy'>,
): string | undefined {
  if (argument !== undefined && policy !== undefined && argument !== policy) {
    const what = `${argument} and ${policy} are two policies, and a command takes one`;
    throw new ValidationError('command', [{ at: '--policy', what, fix: 'Leave one out' }]);
  }
  return argument ?? policy;
}

/** Adds the options of the connection to Temporal. */
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

/** Adds `--json`, which every command has. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON instead of text', false);
}

/** Adds `--details` to a command whose text fits a screen without it. */
export function withDetails(
  command: Command,
  what = 'print every pass and table, and how each pass worked',
): Command {
  return command.option('--details', what, false);
}

const LEVELS: readonly LogLevel[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'];

/** Returns the option for the level of the worker's log. */
export function logLevel(usual: LogLevel): Option {
  return new Option('--log-level <level>', "the level of the worker's log on standard error")
    .choices(LEVELS)
    .default(usual);
}

/** Returns the option for the form of the worker's log. */
export function logFormat(): Option {
  return new Option(
    '--log-format <format>',
    "the form of the worker's log: one line of text or of JSON an entry",
  )
    .choices(['text', 'json'])
    .default('text');
}

/** Parses a whole number of at least 1. */
export function toNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('It is no whole number above 0.');
}

/** Returns the option that lets runs delete more of a table than their policy allows. */
export function allowPercent(): Option {
  return new Option(
    '--allow-percent <number>',
    'the percent of a table that runs may delete, if their policy allows less (limits.maxPercent)',
  ).argParser(toPercent);
}

function toPercent(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= 0 && number <= 100) return number;
  throw new InvalidArgumentError('It is no number from 0 to 100.');
}

/** Parses the address of a web page. It has no user and no password, because everybody who sees the page can read it. */
export function toWebUrl(text: string): string {
  const url = URL.parse(text);
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (isWeb && url.username === '' && url.password === '') return text;
  throw new InvalidArgumentError('It is no address like http://localhost:8233, without user and password.');
}

/** Returns the option that selects the database for commands that need no policy. */
export function databaseName(): Option {
  return new Option('--database <name>', 'the database of the configuration file, if it has several');
}

/** Collects a repeatable option. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** The flags of {@link withSetup} and {@link withJson}. */
export interface SetupFlags extends SetupOptions {
  readonly policy?: string | undefined;
  readonly json: boolean;
}

/** The same with the flag of {@link databaseName}. */
export interface DatabaseFlags extends SetupFlags {
  readonly database?: string;
}
