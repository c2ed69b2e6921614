import { ValueError } from '@temporalio/common';

/** The message about a worker with payload codecs. */
export const ENCODED = 'the worker encodes its results in a way that this program cannot decode';

/** Whether a worker returned the result of a query in an encoding of its host (`payloadCodecs`) that cannot be read here. */
export function isEncodedResult(error: unknown): boolean {
  return error instanceof ValueError && error.message.startsWith('Unknown encoding');
}
