import type { Client } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';

import { Unavailable, within } from './unavailable.ts';

const TIMEOUT_MILLIS = 2_000;
const UNREACHABLE = 'Temporal does not respond';

/** Sends a request to Temporal. Throws {@link Unavailable} if it does not respond. */
export async function askTemporal<T>(
  client: Client,
  ask: () => Promise<T>,
  timeoutMillis = TIMEOUT_MILLIS,
): Promise<T> {
  try {
    // The deadline holds for each attempt, and the connection of a worker makes several.
    return await within(timeoutMillis, UNREACHABLE, async () =>
      client.withDeadline(Date.now() + timeoutMillis, ask),
    );
  } catch (error) {
    if (isTemporalError(error)) throw new Unavailable(UNREACHABLE, { cause: error });
    throw error;
  }
}

/** Some errors of the client have the gRPC error as their cause. */
function isTemporalError(error: unknown): boolean {
  return isGrpcServiceError(error) || (error instanceof Error && isGrpcServiceError(error.cause));
}
