import { activityInfo, log } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';

import { ValidationError } from '../../policy/issue.ts';
import { describeDatabaseError, formatCode } from '../dialect/database-error.ts';
import { readDatabaseError } from '../dialect/read-error.ts';
import { GuardsError } from '../guards/guard.ts';

/** The types of failure that leave an activity. */
export const FAILURE = {
  /** What a person gave us is wrong; nothing was deleted. */
  input: 'VacuumInvalidInput',
  /** A guard stopped the run before its first batch; nothing was deleted. */
  guard: 'VacuumGuard',
  /** Another run of the policy is open. */
  busy: 'VacuumBusy',
  /** The database refuses; a person must change something. */
  database: 'VacuumDatabase',
  /** The tables changed since the run started, so that it no longer knows what is deleted along. */
  changed: 'VacuumSchemaChanged',
  /** The run is closed: another one took its lease, or somebody closed it. */
  closed: 'VacuumRunClosed',
  /** The worker is shutting down; another one continues. */
  yield: 'VacuumYield',
  /** Something that this program does not know; tried a few times. */
  unexpected: 'VacuumUnexpected',
  /** The run ended with failed passes. */
  failed: 'VacuumFailed',
} as const;

/** An unknown error is more likely a defect than an outage: people see a pass that fails, but not one that hangs. */
const UNEXPECTED_ATTEMPTS = 5;

/** How long to leave a server that is out of something that a person may have to bring. */
const LATER = '30s';

/**
 * Turns errors into failures for Temporal: nothing else does. Driver errors never cross: they carry row values and
 * statements. The original goes into the worker's log, at level debug.
 */
function toFailure(error: unknown, doing: string): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof ValidationError)
    return ApplicationFailure.nonRetryable(error.wireMessage, FAILURE.input);
  if (error instanceof GuardsError)
    return ApplicationFailure.nonRetryable(error.wireMessage, FAILURE.guard, error.run);
  log.debug(`${doing} failed`, { error });
  const database = readDatabaseError(error);
  if (database === undefined) {
    log.error(`${doing} failed for a reason that the vacuum does not know; level debug has it`);
    return ApplicationFailure.create({
      message: `${doing}: an unexpected error; the log of the worker has it at level debug`,
      type: FAILURE.unexpected,
      nonRetryable: isTriedEnough(),
    });
  }
  const { code, kind, meaning, verdict } = database;
  const message = `${doing}: ${meaning} (${formatCode(code)})`;
  // One row alone that takes too long again and again is no hiccup of the server.
  const isHopeless = verdict === 'doubt' || kind === 'timeout';
  const isFinal = verdict === 'stop' || (isHopeless && isTriedEnough());
  // The log may name tables, which the failure may not.
  const known = `${doing}: ${describeDatabaseError(database)}`;
  if (isFinal) {
    log.error(known);
    return ApplicationFailure.nonRetryable(message, FAILURE.database);
  }
  log.warn(`${known}; it is tried again`);
  return ApplicationFailure.create({
    message,
    type: FAILURE.database,
    ...(verdict === 'wait' ? { nextRetryDelay: LATER } : {}),
    category: ApplicationFailureCategory.BENIGN,
  });
}

function isTriedEnough(): boolean {
  return activityInfo().attempt >= UNEXPECTED_ATTEMPTS;
}

/** Runs what an activity does, and turns its errors into failures. */
export async function withActivityFailures<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toFailure(error, doing);
  }
}
