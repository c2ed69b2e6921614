import type { Issue } from '../../issue.ts';
import { ValidationError } from '../../issue.ts';
import { NotResolved } from '../../report-rows.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** One request may take so long, in milliseconds: the server waits for locks on the row of the run. */
const ANSWER_MILLIS = 8_000;
const HEALTH_MILLIS = 3_000;
const SUBJECT = 'the Prefect API';

/** Prefect's REST API, as far as the preset asks it for anything. Holds the secret of its login, and gives it to nobody. */
export class PrefectApi {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * `url` as `PREFECT_API_URL` has it, with `/api` at the end. The login is taken from `PREFECT_API_AUTH_STRING`, else
   * from `PREFECT_API_KEY`, as Prefect's own client does.
   */
  constructor(url: string, environment: Environment) {
    this.#url = url.replace(/\/+$/, '');
    const authorization = authorizationIn(environment);
    this.#headers = {
      'content-type': 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    };
  }

  async get<T>(path: string, signal: AbortSignal): Promise<T | undefined> {
    return this.#ask<T>(path, { method: 'GET' }, signal);
  }

  async post<T>(path: string, body: object, signal: AbortSignal): Promise<T | undefined> {
    return this.#ask<T>(path, { method: 'POST', body: JSON.stringify(body) }, signal);
  }

  /**
   * The response; undefined for 404. Throws `NotResolved` if this request failed, and a `ValidationError` if no other
   * would fare better.
   */
  async #ask<T>(path: string, request: RequestInit, signal: AbortSignal): Promise<T | undefined> {
    const response = await this.#send(path, request, signal);
    const { status } = response;
    if (status === 401 || status === 403) {
      throw unusable(
        `it refuses the login (HTTP ${status})`,
        'Set PREFECT_API_AUTH_STRING, or PREFECT_API_KEY, to what the server expects',
      );
    }
    if (status >= 300 && status < 400) {
      throw unusable(
        `it sends elsewhere (HTTP ${status})`,
        'Name where it leads in PREFECT_API_URL or apiUrl',
      );
    }
    if (status >= 502 && status <= 504) {
      throw unusable(`it is not available (HTTP ${status})`, 'Bring the Prefect server up, then run again');
    }
    if (status === 404 || response.headers.get('content-type')?.includes('json') !== true) {
      if (await this.#isHealthy()) return undefined;
      throw unusable('what responds is no Prefect API', 'Mend PREFECT_API_URL or apiUrl: it ends with /api');
    }
    if (!response.ok) throw new NotResolved(`Prefect refused it (HTTP ${status})`);
    return (await response.json()) as T;
  }

  /** Once more if the connection broke, as when the server closed it just then. */
  async #send(path: string, request: RequestInit, signal: AbortSignal): Promise<Response> {
    for (let tries = 1; ; tries += 1) {
      const time = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MILLIS)]);
      try {
        const response = await fetch(`${this.#url}${path}`, {
          ...request,
          headers: this.#headers,
          redirect: 'manual',
          signal: time,
        });
        const body = await response.arrayBuffer();
        const { status, headers } = response;
        return new Response(body.byteLength === 0 ? null : body, { status, headers });
      } catch {
        if (!(await this.#isHealthy())) {
          throw unusable(
            'it does not respond',
            'Check that the Prefect server runs and PREFECT_API_URL or apiUrl names it',
          );
        }
        if (time.aborted) throw new NotResolved('Prefect did not respond in time');
        if (tries > 1) throw new NotResolved('the connection to Prefect broke');
      }
    }
  }

  /** Needs no login. */
  async #isHealthy(): Promise<boolean> {
    try {
      const response = await fetch(`${this.#url}/health`, { signal: AbortSignal.timeout(HEALTH_MILLIS) });
      return response.ok && (await response.json()) === true;
    } catch {
      return false;
    }
  }
}

/** What is wrong with the URL of the API. Its text may have a password in it, so that it is not repeated. */
export function checkApiUrl(url: string): Issue[] {
  const at = 'setting endStuckRuns';
  if (url.trim() === '') {
    const what = 'runs are ended through the Prefect API, and nothing says where that is';
    return [{ at, what, fix: 'Set PREFECT_API_URL or apiUrl, like http://127.0.0.1:4200/api' }];
  }
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    const what = 'PREFECT_API_URL or apiUrl is no http or https URL';
    return [{ at, what, fix: 'Write it like http://127.0.0.1:4200/api' }];
  }
  if (parsed.username === '' && parsed.password === '') return [];
  const what = 'PREFECT_API_URL or apiUrl has a user or password in it, which Prefect does not take there';
  return [{ at, what, fix: 'Leave them out and set PREFECT_API_AUTH_STRING' }];
}

function authorizationIn(environment: Environment): string | undefined {
  const { PREFECT_API_AUTH_STRING: basic, PREFECT_API_KEY: key } = environment;
  if (basic !== undefined && basic !== '') return `Basic ${Buffer.from(basic).toString('base64')}`;
  return key === undefined || key === '' ? undefined : `Bearer ${key}`;
}

function unusable(what: string, fix: string): ValidationError {
  return new ValidationError(SUBJECT, [{ at: SUBJECT, what, fix }]);
}
