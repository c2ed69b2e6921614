import { randomUUID } from 'node:crypto';

import type { TestDatabase } from '../database.ts';

/** An event to make. */
export interface EventWish {
  /** Default `prefect.flow-run.Completed`. */
  readonly name?: string;
  /** How long ago it occurred, an interval. */
  readonly age: string;
  /** How many resources are related to it, besides its own. Default 2. */
  readonly related?: number;
  /** Default: a flow run that is not there. */
  readonly run?: string;
}

/** An event that was made, with its rows in `event_resources`. */
export interface MadeEvent {
  readonly id: string;
  readonly resources: readonly string[];
}

/** Makes events as the server writes them: one row, and one in `event_resources` for each resource. */
export class EventRows {
  readonly #database: TestDatabase;

  constructor(database: TestDatabase) {
    this.#database = database;
  }

  async event(wish: EventWish): Promise<MadeEvent> {
    const { name = 'prefect.flow-run.Completed', age, related = 2, run = randomUUID() } = wish;
    const id = randomUUID();
    await this.#database.rows(
      `insert into events (
         id, occurred, event, resource_id, resource, related_resource_ids, related, payload, received, recorded)
       select
         $1, t, $2::text, 'prefect.flow-run.' || $3::text,
         jsonb_build_object('prefect.resource.id', 'prefect.flow-run.' || $3::text), coalesce(jsonb_agg(r.name), '[]'),
         coalesce(jsonb_agg(jsonb_build_object('prefect.resource.id', r.name)), '[]'), '{"intended": {}}', t, t
       from (select now() - $4::interval as t) as at
       left join (select 'prefect.tag.' || n as name from generate_series(1, $5::int) as n) as r on true
       group by t`,
      [id, name, run, age, related],
    );
    const resources: string[] = [];
    for (let n = 0; n <= related; n += 1) resources.push(await this.resource(id, age));
    return { id, resources };
  }

  /** A resource of an event, or of one that is not there. */
  async resource(event: string | undefined, age: string): Promise<string> {
    const id = randomUUID();
    await this.#database.rows(
      `insert into event_resources (id, occurred, resource_id, resource_role, resource, event_id)
       values ($1, now() - $2::interval, 'prefect.tag.made', 'tag', '{}', $3)`,
      [id, age, event ?? randomUUID()],
    );
    return id;
  }
}
