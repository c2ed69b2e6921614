/** Prefect's REST API, as far as the tests use it. */
export class PrefectApi {
  readonly url: string;
  readonly #login: string | undefined;

  /** `login` is user and password, where the server asks for them. */
  constructor(url: string, login?: string) {
    this.url = url;
    this.#login = login;
  }

  async responds(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/health`)).ok;
    } catch {
      return false;
    }
  }

  /** Flow runs, all or by name. */
  async flowRuns(name?: string): Promise<{ id: string; state_type: string }[]> {
    return this.post('/flow_runs/filter', name === undefined ? { limit: 200 } : ofFlowRun(name));
  }

  async taskRuns(flowRunName: string): Promise<{ id: string; state_type: string }[]> {
    return this.post('/task_runs/filter', ofFlowRun(flowRunName));
  }

  /** The lines of a flow run. */
  async logs(flowRun: string): Promise<{ message: string }[]> {
    return this.post('/logs/filter', { logs: { flow_run_id: { any_: [flowRun] } } });
  }

  /** The newest artifact of a key, as its collection has it. */
  async latestArtifact(key: string): Promise<{ id: string; flow_run_id: string }> {
    return this.get(`/artifacts/${key}/latest`);
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#send('GET', path)) as T;
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return (await this.#send('POST', path, body)) as T;
  }

  async delete(path: string): Promise<void> {
    await this.#send('DELETE', path);
  }

  /** The response's body; undefined for an empty one. Throws for every status that is no success. */
  async #send(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(this.#login === undefined ? {} : { authorization: `Basic ${btoa(this.#login)}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}

function ofFlowRun(name: string): object {
  return { flow_runs: { name: { any_: [name] } } };
}
