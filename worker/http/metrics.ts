import { Unavailable } from './unavailable.ts';

const ANSWER_WITHIN_MILLIS = 5_000;

/** What the exporter of the process serves for Prometheus, as it says it. */
export async function readMetrics(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MILLIS) });
    if (answer.ok) return await answer.text();
  } catch (error) {
    throw new Unavailable('the exporter of this process does not answer', { cause: error });
  }
  throw new Unavailable('the exporter of this process answers with an error');
}
