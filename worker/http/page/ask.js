/** @typedef {import('zod').infer<typeof import('../answers.ts').Status>} Status */
/** @typedef {import('zod').infer<typeof import('../answers.ts').Workers>} Workers */
/** @typedef {import('zod').infer<typeof import('../answers.ts').Policies>} Policies */
/** @typedef {import('zod').infer<typeof import('../answers.ts').Runs>} Runs */
/** @typedef {import('zod').infer<typeof import('../answers.ts').Run>} Run */
/** @typedef {import('zod').infer<typeof import('../answers.ts').Tables>} Tables */

const KEY = 'temporal-vacuum-token';
const ANSWER_WITHIN_MILLIS = 15_000;

/** The server asks for the token, or for another one. */
export class TokenWanted extends Error {
  wasGiven = token() !== '';
}

/** The server answers that it cannot say this now. */
export class Refused extends Error {}

/**
 * Asks the server. Throws where it does not answer, {@link TokenWanted} or {@link Refused}.
 *
 * @param {string} path relative to the page, which a proxy may serve below another path
 * @returns {Promise<any>}
 */
export async function ask(path) {
  /** @type {Record<string, string>} */
  const headers = token() === '' ? {} : { authorization: `Bearer ${token()}` };
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MILLIS);
  const answer = await fetch(path, { headers, signal, cache: 'no-store' });
  if (answer.status === 401) throw new TokenWanted();
  const body = await answer.json();
  if (!answer.ok) throw new Refused(body.error);
  return body;
}

/**
 * Keeps a token for this tab.
 *
 * @param {string} given
 */
export function keepToken(given) {
  sessionStorage.setItem(KEY, given);
}

function token() {
  return sessionStorage.getItem(KEY) ?? '';
}
