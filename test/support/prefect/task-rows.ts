import { randomUUID } from 'node:crypto';

import type { TestDatabase } from '../database.ts';

/** A background task run to make: one without a flow run. */
export interface BackgroundWish {
  /** Default `COMPLETED`. */
  readonly state?: string;
  /** How long ago it ended; null for no end. */
  readonly ended: string | null;
}

/** A background task run that was made, with its states, two lines and an artifact. */
export interface MadeBackground {
  readonly id: string;
  /** The ids of all its rows, its own among them. */
  readonly rows: readonly string[];
}

/** Makes task runs that belong to no flow run, what hangs on them, and what is cached of their states. */
export class TaskRows {
  readonly #database: TestDatabase;

  constructor(database: TestDatabase) {
    this.#database = database;
  }

  async background({ state = 'COMPLETED', ended }: BackgroundWish): Promise<MadeBackground> {
    const id = randomUUID();
    await this.#database.rows(
      `insert into task_run (id, name, task_key, dynamic_key, state_type, state_name, state_timestamp, start_time, end_time)
       select $1, 'background', 'task', '0', $2::text::state_type, initcap($2), t, t, case when $3::text is not null then t end
       from (select now() - coalesce($3::interval, '100 days') as t) as at`,
      [id, state, ended],
    );
    const states = await this.#ids(
      `insert into task_run_state (task_run_id, type, timestamp, name)
       select $1, $2::text::state_type, now() - n * interval '1 second', 'state' from generate_series(1, 3) as n`,
      [id, state],
    );
    const lines = [await this.line(id, ended ?? '1 hour'), await this.line(id, ended ?? '1 hour')];
    const artifact = await this.artifact(id, ended ?? '1 hour');
    return { id, rows: [id, ...states, ...lines, artifact] };
  }

  /** A line with a task run and no flow run. */
  async line(task: string | null, age: string): Promise<string> {
    return this.#id(
      `insert into log (name, level, task_run_id, message, timestamp)
       values ('made', 20, $1, 'of a task run', now() - $2::interval)`,
      [task, age],
    );
  }

  /** An artifact with a task run and no flow run. */
  async artifact(task: string | null, age: string, key: string | null = null): Promise<string> {
    return this.#id(
      `insert into artifact (type, data, key, task_run_id, created)
       values ('result', '"x"', $3, $1, now() - $2::interval)`,
      [task, age, key],
    );
  }

  /** A row of the state cache that expires a while from now, or expired (a negative interval), or never does. */
  async cached(state: string, expires: string | null, age = '100 days'): Promise<string> {
    return this.#id(
      `insert into task_run_state_cache (cache_key, cache_expiration, task_run_state_id, created)
       values ('key', now() + $2::interval, $1, now() - $3::interval)`,
      [state, expires, age],
    );
  }

  async #id(sql: string, values: readonly unknown[]): Promise<string> {
    const [id] = await this.#ids(sql, values);
    if (id === undefined) throw new Error('nothing was made');
    return id;
  }

  async #ids(sql: string, values: readonly unknown[]): Promise<string[]> {
    const rows = await this.#database.rows<{ id: string }>(`${sql} returning id::text`, values);
    return rows.map(({ id }) => id);
  }
}
