import { randomUUID } from 'node:crypto';

import { expect } from '@jest/globals';

import type { TestDatabase } from '../database.ts';
import { waitFor } from '../wait.ts';
import type { PrefectApi } from './api.ts';

interface Acknowledged {
  readonly id: string;
  readonly state?: { readonly id: string } | null;
}

/** Runs that a client makes while something else goes on, and every id that the server has acknowledged. */
export class LivingRuns {
  readonly failures: string[] = [];
  readonly #api: PrefectApi;
  readonly #acknowledged = new Map<string, Set<string>>();
  #flow: string | undefined;
  #runs = 0;

  constructor(api: PrefectApi) {
    this.#api = api;
  }

  get runs(): number {
    return this.#runs;
  }

  /** Makes runs one after the other until it is told to end. A request that fails is kept and does not end it. */
  async keepMaking(end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      try {
        await this.one();
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }

  /** A run with its states, a task run, lines, an artifact and an event of somebody's own. */
  async one(): Promise<void> {
    this.#flow ??= (await this.#api.post<Acknowledged>('/flows/', { name: `living-${randomUUID()}` })).id;
    const run = await this.#made('flow_run', '/flow_runs/', {
      flow_id: this.#flow,
      name: 'living',
      state: { type: 'PENDING' },
    });
    await this.#state('flow_run', run, 'RUNNING');
    const task = await this.#made('task_run', '/task_runs/', {
      flow_run_id: run,
      task_key: 'made',
      dynamic_key: '0',
      state: { type: 'RUNNING' },
    });
    const message = `living-${randomUUID()}`;
    const line = {
      name: 'living',
      level: 10,
      message,
      timestamp: new Date().toISOString(),
      flow_run_id: run,
    };
    await this.#api.post('/logs/', [line, { ...line, level: 40, task_run_id: task }]);
    this.#note('log', message);
    await this.#made('artifact', '/artifacts/', {
      key: 'living',
      type: 'markdown',
      data: run,
      flow_run_id: run,
    });
    const event = randomUUID();
    await this.#api.post('/events', [
      {
        id: event,
        occurred: new Date().toISOString(),
        event: 'acme.order.paid',
        resource: { 'prefect.resource.id': `prefect.flow-run.${run}` },
        related: [{ 'prefect.resource.id': 'acme.order.1', 'prefect.resource.role': 'order' }],
      },
    ]);
    this.#note('events', event);
    await this.#state('task_run', task, 'COMPLETED');
    // Every third lives on.
    if (this.#runs % 3 !== 0) await this.#state('flow_run', run, 'COMPLETED');
    this.#runs += 1;
  }

  /** Every row that the server has acknowledged is there; events as soon as the server has written them. */
  async expectAllThere(database: TestDatabase): Promise<void> {
    // The server makes an event of each change of a flow run's state, under the id of the state.
    for (const id of this.#ids('flow_run_state')) this.#note('events', id);
    await waitFor(
      'the events to be written',
      async () => (await this.#missing(database, 'events')).length === 0,
    );
    for (const table of this.#acknowledged.keys()) {
      expect({ table, missing: await this.#missing(database, table) }).toEqual({ table, missing: [] });
    }
    const whole = await database.rows<{ count: number }>(
      `select count(*) from event_resources where event_id = any($1) group by event_id`,
      [this.#ids('events')],
    );
    expect(whole).toHaveLength(this.#ids('events').length);
    const lines = await database.value('select count(*) from log where message = any($1)', [
      this.#ids('log'),
    ]);
    expect(lines).toBe(2 * this.#ids('log').length);
  }

  async #missing(database: TestDatabase, table: string): Promise<string[]> {
    const ids = this.#ids(table);
    const column = table === 'log' ? 'message' : 'id::text';
    const rows = await database.rows<{ id: string }>(
      `select distinct ${column} as id from ${table} where ${column} = any($1::text[])`,
      [ids],
    );
    const there = new Set(rows.map(({ id }) => id));
    return ids.filter((id) => !there.has(id));
  }

  async #made(table: string, path: string, body: object): Promise<string> {
    const made = await this.#api.post<Acknowledged>(path, body);
    this.#note(table, made.id);
    if (made.state != null) this.#note(`${table}_state`, made.state.id);
    return made.id;
  }

  async #state(table: 'flow_run' | 'task_run', id: string, type: string): Promise<void> {
    const answer = await this.#api.post<{ status: string; state: { id: string } }>(
      `/${table}s/${id}/set_state`,
      {
        state: { type },
        force: true,
      },
    );
    if (answer.status !== 'ACCEPT') throw new Error(`${table} ${id} to ${type}: ${answer.status}`);
    this.#note(`${table}_state`, answer.state.id);
  }

  #note(table: string, id: string): void {
    const ids = this.#acknowledged.get(table) ?? new Set();
    this.#acknowledged.set(table, ids.add(id));
  }

  #ids(table: string): string[] {
    return [...(this.#acknowledged.get(table) ?? [])];
  }
}
