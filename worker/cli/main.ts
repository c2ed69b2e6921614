#!/usr/bin/env node
import { readFileSync } from 'node:fs';

import { CommanderError } from 'commander';

import { MistakesError } from '../../policy/mistake.ts';
import { TemporalUnreachable } from '../temporal.ts';
import { DatabaseUnreachable } from './database.ts';
import { EXIT } from './exit-code.ts';
import { note } from './output.ts';
import { createProgram } from './program.ts';

/** Runs the command line. Every error becomes a sentence on standard error and an exit code. */
async function main(): Promise<void> {
  try {
    await createProgram(version()).parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    if (!(error instanceof CommanderError)) note(error instanceof Error ? sayError(error) : String(error));
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.mistake;
  if (error instanceof MistakesError) return EXIT.mistake;
  if (error instanceof DatabaseUnreachable || error instanceof TemporalUnreachable) return EXIT.unreachable;
  return EXIT.failed;
}

/** What nobody foresaw is shown with its origin, for a report. */
function sayError(error: Error): string {
  const foreseen =
    error instanceof MistakesError ||
    error instanceof DatabaseUnreachable ||
    error instanceof TemporalUnreachable;
  return foreseen ? error.message : (error.stack ?? error.message);
}

function version(): string {
  // From worker/cli as source, from dist/worker/cli as built.
  const depth = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json';
  const { version: found } = JSON.parse(readFileSync(new URL(depth, import.meta.url), 'utf8')) as {
    version: string;
  };
  return found;
}

await main();
