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
    process.exitCode = exitCodeOf(error);
    if (!(error instanceof CommanderError)) note(error instanceof Error ? sayError(error) : String(error));
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.mistake;
  if (error instanceof ValidationError) return EXIT.mistake;
  if (error instanceof DatabaseUnreachable || error instanceof TemporalUnreachable) return EXIT.unreachable;
  return EXIT.failed;
}

/** What nobody foresaw is shown with its origin, for a report. */
function sayError(error: Error): string {
  const foreseen =
    error instanceof ValidationError ||
    error instanceof DatabaseUnreachable ||
    error instanceof TemporalUnreachable;
  return foreseen ? error.message : (error.stack ?? error.message);
}

await main();
