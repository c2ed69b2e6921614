/** @typedef {import('zod').infer<typeof import('../run-schemas.ts').Status>} Status */
/** @typedef {import('zod').infer<typeof import('../response-schemas.ts').Workers>} Workers */
/** @typedef {import('zod').infer<typeof import('../response-schemas.ts').Policies>} Policies */
/** @typedef {import('zod').infer<typeof import('../run-schemas.ts').Runs>} Runs */
/** @typedef {import('zod').infer<typeof import('../run-schemas.ts').Run>} Run */
/** @typedef {import('zod').infer<typeof import('../response-schemas.ts').Tables>} Tables */
/** @typedef {import('zod').infer<typeof import('../response-schemas.ts').Signalled>} Signalled */

const KEY = 'temporal-vacuum-token';
const TIMEOUT_MILLIS = 15_000;

/** The token is missing or wrong. */
export class TokenRequired extends Error {
  hadToken = token() !== '';
}

/** The server responded with an error. */
export class RequestFailed extends Error {}

/**
 * Sends a request to the server. Throws {@link TokenRequired}, {@link RequestFailed}, or another error if there is no response.
 *
 * @param {string} path relative to the page, which a proxy may serve below another path
 * @param {{ method?: string, body?: string }} [sent]
 * @returns {Promise<any>}
 */
export async function request(path, sent = {}) {
  /** @type {Record<string, string>} */
  const headers = token() === '' ? {} : { authorization: `Bearer ${token()}` };
  if (sent.body !== undefined) headers['content-type'] = 'application/json';
  const signal = AbortSignal.timeout(TIMEOUT_MILLIS);
  const response = await fetch(path, { ...sent, headers, signal, cache: 'no-store' });
  if (response.status === 401) throw new TokenRequired();
  const body = await response.json();
  if (!response.ok) throw new RequestFailed(body.error);
  return body;
}

/**
 * Sends a signal to the open run of a policy. Throws as {@link request}.
 *
 * @param {string} policy
 * @param {string} signal
 * @param {{ workflowId: string, reason?: string }} body
 * @returns {Promise<Signalled>}
 */
export async function sendSignal(policy, signal, body) {
  return request(`api/policies/${encodeURIComponent(policy)}/${signal}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
}

/**
 * Stores a token for this tab.
 *
 * @param {string} given
 */
export function keepToken(given) {
  sessionStorage.setItem(KEY, given);
}

function token() {
  return sessionStorage.getItem(KEY) ?? '';
}
