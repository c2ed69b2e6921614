import type { TestDatabase } from '../database.ts';
import { ModelCollections } from './model-collections.ts';
import type { ModelOptions } from './model.ts';

/** A row of the model: instants are microseconds since 1970. */
export interface ModelRow {
  readonly id: string;
  readonly run: string | null;
  readonly task: string | null;
  readonly name: string | null;
  readonly at: number | null;
}

export interface ModelRun extends ModelRow {
  readonly state: string | null;
  readonly stateAt: number | null;
  readonly updated: number;
}

/** Horizons as the rows' instants are. */
export interface ModelHorizons {
  readonly runs: number;
  readonly grace: number;
  readonly now: number;
  readonly events: number;
  readonly eventsNamed: readonly (readonly [name: string, horizon: number])[];
  readonly logs: number;
  readonly logsOfLevel: ReadonlyMap<string, number>;
}

const MICROS = (column: string): string => `(extract(epoch from ${column}) * 1000000)::bigint`;

/** What each table's rows are read as: `run` and `task` are what a row hangs on, `at` is the instant that ages it. */
const READ = {
  flow: `select id::text, null as run, null as task, null as name, null as at from flow`,
  flow_run: `select id::text, null as run, parent_task_run_id::text as task, null as name, state_type::text as state,
    ${MICROS('end_time')} as at, ${MICROS('state_timestamp')} as "stateAt", ${MICROS('updated')} as updated from flow_run`,
  task_run: `select id::text, flow_run_id::text as run, null as task, null as name, state_type::text as state,
    ${MICROS('end_time')} as at, ${MICROS('state_timestamp')} as "stateAt", ${MICROS('updated')} as updated from task_run`,
  log: `select id::text, flow_run_id::text as run, task_run_id::text as task, level::text as name,
    ${MICROS('timestamp')} as at from log`,
  artifact: `select id::text, flow_run_id::text as run, task_run_id::text as task, key as name,
    ${MICROS('created')} as at from artifact`,
  artifact_collection: `select id::text, latest_id::text as run, null as task, key as name, null as at from artifact_collection`,
  events: `select id::text, null as run, null as task, event as name, ${MICROS('occurred')} as at from events`,
  event_resources: `select id::text, event_id::text as run, null as task, null as name, ${MICROS('occurred')} as at
    from event_resources`,
  task_run_state_cache: `select id::text, null as run, task_run_state_id::text as task, null as name,
    ${MICROS('cache_expiration')} as at from task_run_state_cache`,
  flow_run_state: `select id::text, flow_run_id::text as run, null as task, null as name, null as at from flow_run_state`,
  flow_run_input: `select id::text, flow_run_id::text as run, null as task, null as name, null as at from flow_run_input`,
  task_run_state: `select id::text, null as run, task_run_id::text as task, null as name, null as at from task_run_state`,
} as const;

export type ModelTable = keyof typeof READ;

/** All rows of a database, of which passes take some. */
export class ModelWorld {
  readonly horizons: ModelHorizons;
  readonly collections: ModelCollections;
  readonly #rows: ReadonlyMap<string, readonly ModelRow[]>;
  readonly #byId: ReadonlyMap<string, ReadonlyMap<string, ModelRow>>;
  /** Rows and not ids: an event of a state change has the id of the state. */
  readonly #gone = new Set<ModelRow>();

  private constructor(rows: ReadonlyMap<string, readonly ModelRow[]>, horizons: ModelHorizons) {
    this.#rows = rows;
    this.#byId = new Map([...rows].map(([table, of]) => [table, new Map(of.map((row) => [row.id, row]))]));
    this.horizons = horizons;
    this.collections = new ModelCollections(this);
  }

  static async read(database: TestDatabase, options: ModelOptions): Promise<ModelWorld> {
    const rows = new Map<string, ModelRow[]>();
    for (const [table, sql] of Object.entries(READ)) rows.set(table, await database.rows<ModelRow>(sql));
    const micros = async (instant: string | undefined): Promise<number> =>
      instant === undefined ? -Infinity : database.value(`select ${MICROS('$1::timestamptz')}`, [instant]);
    const all = async (of: Readonly<Record<string, string>> = {}): Promise<[string, number][]> =>
      Promise.all(Object.entries(of).map(async ([name, at]) => [name, await micros(at)]));
    return new ModelWorld(rows, {
      runs: await micros(options.horizon),
      grace: await micros(options.graceHorizon),
      now: await micros('now'),
      events: await micros(options.eventHorizon),
      eventsNamed: await all(options.eventHorizons),
      logs: await micros(options.logHorizon),
      logsOfLevel: new Map(await all(options.logHorizons)),
    });
  }

  /** The rows of a table that are left. */
  left(table: 'flow_run' | 'task_run'): ModelRun[];
  left(table: ModelTable): ModelRow[];
  left(table: ModelTable): ModelRow[] {
    return (this.#rows.get(table) ?? []).filter((row) => !this.#gone.has(row));
  }

  has(table: ModelTable, id: string | null): boolean {
    const row = this.#byId.get(table)?.get(id ?? '');
    return row !== undefined && !this.#gone.has(row);
  }

  take(rows: readonly ModelRow[]): void {
    for (const row of rows) this.#gone.add(row);
  }

  /** Takes artifacts, and repairs the collections of their keys. */
  takeArtifacts(rows: readonly ModelRow[]): void {
    this.take(rows);
    this.collections.repair(new Set(rows.map(({ name }) => name)));
  }

  /** Takes what hangs by foreign keys on rows that are gone. */
  cascade(): void {
    for (const table of ['flow_run_state', 'flow_run_input', 'task_run'] as const) {
      this.take(this.left(table).filter(({ run }) => run !== null && !this.has('flow_run', run)));
    }
    this.take(this.left('task_run_state').filter(({ task }) => !this.has('task_run', task)));
  }
}
