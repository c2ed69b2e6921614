import type { Client } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';

import { Unavailable, within } from './unavailable.ts';

const ANSWER_WITHIN_MILLIS = 2_000;
const AWAY = 'Temporal does not answer';

/** Asks Temporal. Throws {@link Unavailable} where it does not answer. */
export async function askTemporal<T>(
  client: Client,
  ask: () => Promise<T>,
  withinMillis = ANSWER_WITHIN_MILLIS,
): Promise<T> {
  try {
    // The deadline is one of each attempt, and the connection of a worker makes several.
    return await within(withinMillis, AWAY, async () => client.withDeadline(Date.now() + withinMillis, ask));
  } catch (error) {
    if (isOfTemporal(error)) throw new Unavailable(AWAY, { cause: error });
    throw error;
  }
}

/** Some errors of the client carry that of the wire as their cause. */
function isOfTemporal(error: unknown): boolean {
  return isGrpcServiceError(error) || (error instanceof Error && isGrpcServiceError(error.cause));
}
