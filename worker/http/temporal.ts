import type { Client } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';

import { Unavailable } from './unavailable.ts';

const ANSWER_WITHIN_MILLIS = 3_000;

/** Asks Temporal. Throws {@link Unavailable} where it does not answer. */
export async function askTemporal<T>(client: Client, ask: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_WITHIN_MILLIS, ask);
  } catch (error) {
    if (isOfTemporal(error)) throw new Unavailable('Temporal does not answer', { cause: error });
    throw error;
  }
}

/** Some errors of the client carry that of the wire as their cause. */
function isOfTemporal(error: unknown): boolean {
  return isGrpcServiceError(error) || (error instanceof Error && isGrpcServiceError(error.cause));
}
