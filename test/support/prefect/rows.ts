import { randomUUID } from 'node:crypto';

import type { TestDatabase } from '../database.ts';

/** A flow run to make. Ages are intervals before now, as PostgreSQL reads them. */
export interface RunWish {
  /** Default `COMPLETED`. */
  readonly state?: string;
  /** How long ago it ended; null for no end. Default `100 days`. */
  readonly ended?: string | null;
  /** How long ago it entered its state; default unknown. */
  readonly entered?: string;
  /** How long ago its row was written last. Default just now. */
  readonly written?: string;
  /** The task run that started it as a subflow. */
  readonly parentTask?: string;
  readonly tasks?: number;
  readonly logs?: number;
  /** Keys of artifacts; null for one without a key. */
  readonly artifacts?: readonly (string | null)[];
  readonly inputs?: number;
}

/** A flow run that was made. */
export interface MadeRun {
  readonly id: string;
  readonly tasks: readonly string[];
}

/** Makes valid rows of a Prefect-shaped database from what a test cares about. */
export class PrefectRows {
  readonly #database: TestDatabase;
  #flow: string | undefined;

  constructor(database: TestDatabase) {
    this.#database = database;
  }

  async run(wish: RunWish = {}): Promise<MadeRun> {
    const {
      state = 'COMPLETED',
      ended = '100 days',
      entered = null,
      written = '0',
      parentTask = null,
    } = wish;
    const id = randomUUID();
    await this.#database.rows(
      `insert into flow_run (
         id, name, flow_id, state_type, state_name, end_time, state_timestamp, updated, parent_task_run_id)
       values (
         $1, 'run', $2, $3::text::state_type, initcap($3), now() - $4::interval, now() - $5::interval,
         now() - $6::interval, $7)`,
      [id, await this.#flowId(), state, ended, entered, written, parentTask],
    );
    await this.#database.rows(
      `insert into flow_run_state (flow_run_id, type, timestamp, name)
       select $1, $2, now() - n * interval '1 second', 'state' from generate_series(1, 2) as n`,
      [id, state],
    );
    await this.#database.rows(
      `update flow_run set state_id = (select id from flow_run_state where flow_run_id = $1 limit 1) where id = $1`,
      [id],
    );
    const tasks: string[] = [];
    for (let n = 0; n < (wish.tasks ?? 0); n += 1) tasks.push(await this.task(id, n));
    if (wish.logs !== undefined) await this.logs(id, wish.logs, ended ?? '1 hour');
    for (const key of wish.artifacts ?? []) await this.artifact({ run: id, key, age: ended ?? '1 hour' });
    for (let n = 0; n < (wish.inputs ?? 0); n += 1) {
      await this.#database.rows('insert into flow_run_input (flow_run_id, key, value) values ($1, $2, $3)', [
        id,
        `input-${n}`,
        'value',
      ]);
    }
    return { id, tasks };
  }

  /** A task run with three states; without a flow run it is a background one. */
  async task(run: string | null, n = 0): Promise<string> {
    const id = randomUUID();
    await this.#database.rows(
      `insert into task_run (id, flow_run_id, name, task_key, dynamic_key, state_type)
       values ($1, $2, 'task', 'task', $3, 'COMPLETED')`,
      [id, run, String(n)],
    );
    await this.#database.rows(
      `insert into task_run_state (task_run_id, type, timestamp, name)
       select $1, 'COMPLETED', now() - n * interval '1 second', 'state' from generate_series(1, 3) as n`,
      [id],
    );
    return id;
  }

  async logs(run: string | null, count: number, age: string, task: string | null = null): Promise<void> {
    await this.#database.rows(
      `insert into log (name, level, flow_run_id, task_run_id, message, timestamp)
       select 'logger', 20, $1, $2, 'message ' || n, now() - $3::interval from generate_series(1, $4::int) as n`,
      [run, task, age, count],
    );
  }

  async artifact(wish: {
    run: string | null;
    key?: string | null;
    age?: string;
    data?: string;
  }): Promise<string> {
    const id = randomUUID();
    await this.#database.rows(
      `insert into artifact (id, key, type, data, description, flow_run_id, created, updated)
       values ($1, $2, 'markdown', to_json($3::text), $3, $4, now() - $5::interval, now() - $5::interval)`,
      [id, wish.key ?? null, wish.data ?? id, wish.run, wish.age ?? '100 days'],
    );
    return id;
  }

  async collection(key: string, latest: string = randomUUID()): Promise<string> {
    const id = randomUUID();
    await this.#database.rows(
      `insert into artifact_collection (id, key, latest_id, type, data, description)
       values ($1, $2, $3, 'stale', '"stale"', 'stale')`,
      [id, key, latest],
    );
    return id;
  }

  async #flowId(): Promise<string> {
    this.#flow ??= await this.#database.value<string>(
      `insert into flow (name) values ('flow-' || gen_random_uuid()) returning id`,
    );
    return this.#flow;
  }
}
