import { ValueError } from '@temporalio/common';

/** What is said of a worker with payload codecs. */
export const ENCODED = 'the worker answers in an encoding that this program does not have';

/** Whether a worker answered a query, in an encoding of its host (`payloadCodecs`) that cannot be read here. */
export function isEncodedAnswer(error: unknown): boolean {
  return error instanceof ValueError && error.message.startsWith('Unknown encoding');
}
