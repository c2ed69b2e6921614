#!/usr/bin/env node
import { CommanderError } from 'commander';

import { describeDatabaseError } from '../../activities/dialect/database-error.ts';
import { readDatabaseError } from '../../activities/dialect/read-error.ts';
import { ValidationError } from '../../policy/issue.ts';
import { TemporalUnreachable } from '../temporal-unreachable.ts';
import { readVersion } from '../version.ts';
import { DatabaseUnreachable } from './database.ts';
import { EXIT } from './exit-code.ts';
import { loadEnvironmentFile } from './load-environment-file.ts';
import { refuseOldNode } from './node-version.ts';
import { note, surviveClosedPipes } from './output.ts';
import { createProgram } from './program.ts';

/** Runs the command line. Every error becomes a sentence on standard error and an exit code. */
async function main(): Promise<void> {
  surviveClosedPipes();
  const refused = refuseOldNode(process.version);
  if (refused !== undefined) {
    process.exitCode = EXIT.issue;
    note(refused);
    return;
  }
  try {
    loadEnvironmentFile(process.cwd());
    const program = await createProgram(readVersion(), process.argv[2]);
    await program.parseAsync();
  } catch (error) {
    process.exitCode = toExitCode(error);
    if (!(error instanceof CommanderError)) note(error instanceof Error ? formatError(error) : String(error));
  }
}

function toExitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.issue;
  if (error instanceof ValidationError) return EXIT.issue;
  if (readDatabaseError(error)?.verdict === 'retry') return EXIT.unreachable;
  if (error instanceof DatabaseUnreachable || error instanceof TemporalUnreachable) return EXIT.unreachable;
  return EXIT.failed;
}

/** Shows an unexpected error with its stack, for a bug report. What the database reports is no defect of this program. */
function formatError(error: Error): string {
  const database = readDatabaseError(error);
  if (database !== undefined && !(error instanceof DatabaseUnreachable))
    return describeDatabaseError(database);
  if (error instanceof ValidationError) {
    return process.argv.includes('--details') ? error.wholeMessage : error.message;
  }
  const isExpected = error instanceof DatabaseUnreachable || error instanceof TemporalUnreachable;
  return isExpected ? error.message : (error.stack ?? error.message);
}

await main();
