import { randomUUID } from 'node:crypto';

import type { TestDatabase } from '../database.ts';
import { waitFor } from '../wait.ts';
import type { PrefectApi } from './api.ts';
import type { PrefectServer } from './server.ts';

/** Runs that are named after the state that they are left in. */
const STATES = ['crashed', 'cancelled', 'running', 'paused', 'scheduled', 'pending', 'cancelling'];

/** How long ago each run ended, by its name; a run that is not here is as young as the test. */
export const AGES: Readonly<Record<string, string>> = {
  'daily-oldest': '200 days',
  'daily-old': '91 days',
  'daily-young': '10 days',
  'weekly-revived': '200 days',
  'weekly-old': '100 days',
  'monthly-old': '120 days',
  failed: '95 days',
  family: '180 days',
  'family-child': '180 days',
  'family-grandchild': '180 days',
  split: '180 days',
  'split-child': '30 days',
  'split-grandchild': '180 days',
  'nested-parent': '30 days',
  'nested-child': '180 days',
  'just-outside': '90 days 1 second',
  'just-inside': '89 days 23:50:00',
  endless: '200 days',
  'late-lines': '150 days',
  'of-deployment': '150 days',
  'stuck-crashed': '150 days',
  'stuck-parent': '150 days',
  'stuck-child': '140 days',
  ...Object.fromEntries(STATES.map((name) => [name, '150 days'])),
};

/** The same for task runs without a flow run. */
export const BACKGROUND_AGES: Readonly<Record<string, string>> = {
  'background-old': '150 days',
  'background-failed': '90 days 1 second',
  'background-inside': '89 days 23:50:00',
  'background-running': '150 days',
};

/** A past for a Prefect server: real flows first, and what they cannot do in good time through the REST API. */
export async function makeHistory(server: PrefectServer, database: TestDatabase): Promise<void> {
  await server.runFlows('history');
  await waitFor('the task runs to be recorded', async () =>
    database.value<boolean>(`
      select count(*) = 0
      from (select id from flow_run union all select null) as f
      where not exists (
        select from task_run as t
        where t.flow_run_id is not distinct from f.id and t.name like 'add%' and t.state_type = 'COMPLETED')`),
  );
  const made = new MadeHistory(server.api);
  await made.runs();
  await made.background();
  await made.orphans();
  await made.revive(
    await database.value<string>(`select id::text from flow_run where name = 'weekly-revived'`),
  );
}

class MadeHistory {
  readonly #api: PrefectApi;
  #flow: string | undefined;

  constructor(api: PrefectApi) {
    this.#api = api;
  }

  async runs(): Promise<void> {
    for (const name of STATES) await this.#run(name, name.toUpperCase());
    for (const name of ['just-outside', 'just-inside', 'endless', 'late-lines']) await this.#run(name);
    const nested = await this.#run('nested-parent');
    await this.#run('nested-child', 'COMPLETED', { parent_task_run_id: nested.task });
    const deployment = await this.#api.post<{ id: string }>('/deployments/', {
      name: 'made',
      flow_id: await this.#flowId(),
    });
    await this.#run('of-deployment', 'COMPLETED', { deployment_id: deployment.id });
    const { run } = await this.#run('collector');
    for (const key of ['stale-moves', 'stale-moves', 'stale-ends']) await this.#artifact(key, run);
    // What an operator, or a pass for stuck runs, does with a run that hangs.
    const hanging = await this.#run('stuck-crashed', 'RUNNING');
    await this.#state(hanging.run, 'CRASHED');
    const stuck = await this.#run('stuck-parent', 'RUNNING');
    await this.#run('stuck-child', 'COMPLETED', { parent_task_run_id: stuck.task });
  }

  /** Task runs without a flow run, with lines and an artifact. */
  async background(): Promise<void> {
    for (const name of Object.keys(BACKGROUND_AGES)) {
      const type =
        name === 'background-running' ? 'RUNNING' : name === 'background-failed' ? 'FAILED' : 'COMPLETED';
      const { id: task } = await this.#api.post<{ id: string }>('/task_runs/', {
        name,
        flow_run_id: null,
        task_key: 'background',
        dynamic_key: name,
        state: { type: 'PENDING' },
      });
      await this.#api.post(`/task_runs/${task}/set_state`, { state: { type }, force: true });
      await this.#lines({ task_run_id: task }, 'of a background task run', 0);
      await this.#artifact('background', null, task);
    }
  }

  /** What is left of runs that are gone, and what never had one. */
  async orphans(): Promise<void> {
    const { run: deleted } = await this.#run('deleted');
    await this.#artifact('orphaned', deleted);
    await this.#artifact('lost-lately', deleted);
    await this.#api.delete(`/flow_runs/${deleted}`);
    await waitFor('the lines of the deleted run to go', async () => {
      return (await this.#api.logs(deleted)).length === 0;
    });
    const hour = 3_600_000;
    await this.#lines({ flow_run_id: deleted }, 'past the grace', 48 * hour);
    await this.#lines({ flow_run_id: randomUUID() }, 'past the grace', 25 * hour);
    await this.#lines({ flow_run_id: deleted }, 'within the grace', 2 * hour);
    await this.#lines({}, 'without any run', 9000 * hour);
    await this.#lines({ task_run_id: randomUUID() }, 'of a task run alone', 9000 * hour);
  }

  /** A run that somebody retries: the server clears its end time. */
  async revive(run: string): Promise<void> {
    await this.#state(run, 'RUNNING');
  }

  /** A run with a task run, an input, a few lines and an artifact without a key. */
  async #run(name: string, state = 'COMPLETED', more: object = {}): Promise<{ run: string; task: string }> {
    const { id: run } = await this.#api.post<{ id: string }>('/flow_runs/', {
      name,
      flow_id: await this.#flowId(),
      state: { type: 'PENDING' },
      ...more,
    });
    const { id: task } = await this.#api.post<{ id: string }>('/task_runs/', {
      flow_run_id: run,
      task_key: 'made',
      dynamic_key: '0',
      state: { type: 'COMPLETED' },
    });
    await this.#api.post(`/flow_runs/${run}/input`, { key: 'answer', value: '42' });
    await this.#lines({ flow_run_id: run }, 'of the run', 0);
    await this.#lines({ flow_run_id: run, task_run_id: task }, 'of a task run', 0);
    await this.#artifact(null, run);
    if (state !== 'PENDING') await this.#state(run, state);
    return { run, task };
  }

  async #state(run: string, type: string): Promise<void> {
    await this.#api.post(`/flow_runs/${run}/set_state`, { state: { type }, force: true });
  }

  async #artifact(key: string | null, run: string | null, task: string | null = null): Promise<void> {
    const of = { flow_run_id: run, task_run_id: task };
    await this.#api.post('/artifacts/', { key, type: 'markdown', data: `made in ${run ?? task}`, ...of });
  }

  async #lines(of: object, message: string, ageMillis: number): Promise<void> {
    const timestamp = new Date(Date.now() - ageMillis).toISOString();
    const line = { name: 'made', level: 20, message, timestamp, ...of };
    await this.#api.post('/logs/', [line, { ...line, level: 30 }]);
  }

  async #flowId(): Promise<string> {
    this.#flow ??= (await this.#api.post<{ id: string }>('/flows/', { name: 'made' })).id;
    return this.#flow;
  }
}
