#!/usr/bin/env node
import { CommanderError } from 'commander';

import { ValidationError } from '../../policy/issue.ts';
import { TemporalUnreachable } from '../temporal.ts';
import { readVersion } from '../version.ts';
import { DatabaseUnreachable } from './database.ts';
import { EXIT } from './exit-code.ts';
import { note } from './output.ts';
import { createProgram } from './program.ts';

/** Runs the command line. Every error becomes a sentence on standard error and an exit code. */
async function main(): Promise<void> {
  try {
    await createProgram(readVersion()).parseAsync();
  } catch (error) {
    process.exitCode = toExitCode(error);
    if (!(error instanceof CommanderError)) note(error instanceof Error ? formatError(error) : String(error));
  }
}

function toExitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.issue;
  if (error instanceof ValidationError) return EXIT.issue;
  if (error instanceof DatabaseUnreachable || error instanceof TemporalUnreachable) return EXIT.unreachable;
  return EXIT.failed;
}

/** Shows an unexpected error with its stack, for a bug report. */
function formatError(error: Error): string {
  const isExpected =
    error instanceof ValidationError ||
    error instanceof DatabaseUnreachable ||
    error instanceof TemporalUnreachable;
  return isExpected ? error.message : (error.stack ?? error.message);
}

await main();
