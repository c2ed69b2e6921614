import type { TestDatabase } from '../database.ts';
import { PASSES } from './model-passes.ts';
import { ModelWorld } from './model-world.ts';

/**
 * What a vacuum of a Prefect database should leave, worked out in plain loops over all rows: an independent reading of
 * the rules, to compare with what the statements did.
 */
export interface Expectation {
  /** For each table, the ids of the rows that stay. */
  readonly stay: ReadonlyMap<string, ReadonlySet<string>>;
  /** For each collection that stays, the artifact that it should name. */
  readonly latest: ReadonlyMap<string, string>;
}

/** Instants are ISO 8601 or what PostgreSQL writes. */
export interface ModelOptions {
  /** For flow runs, and for background task runs. */
  readonly horizon: string;
  readonly graceHorizon: string;
  /** For events of any name. Default: none goes. */
  readonly eventHorizon?: string;
  /** For events of a name, or of a prefix where it ends in `*`, instead of `eventHorizon`: the first that fits. */
  readonly eventHorizons?: Readonly<Record<string, string>>;
  /** For log lines whatever their run does. Default: none goes. */
  readonly logHorizon?: string;
  /** For log lines of a level, instead of `logHorizon`. */
  readonly logHorizons?: Readonly<Record<number, string>>;
  /** In their order. */
  readonly passes: readonly string[];
}

export const TABLES = [
  'flow',
  'flow_run',
  'flow_run_state',
  'flow_run_input',
  'task_run',
  'task_run_state',
  'task_run_state_cache',
  'log',
  'artifact',
  'artifact_collection',
  'events',
  'event_resources',
] as const;

/** The ids of all rows of each table. */
export async function readIds(database: TestDatabase): Promise<Map<string, Set<string>>> {
  const ids = new Map<string, Set<string>>();
  for (const table of TABLES) {
    const rows = await database.rows<{ id: string }>(`select id::text from ${table}`);
    ids.set(table, new Set(rows.map((row) => row.id)));
  }
  return ids;
}

/** Works out what should stay. */
export async function expectVacuum(database: TestDatabase, options: ModelOptions): Promise<Expectation> {
  const world = await ModelWorld.read(database, options);
  for (const name of options.passes) {
    const pass = PASSES[name];
    if (pass === undefined) throw new Error(`the model does not know pass ${name}`);
    pass(world);
    world.cascade();
  }
  const stay = new Map(TABLES.map((table) => [table, new Set(world.left(table).map(({ id }) => id))]));
  return { stay, latest: world.collections.latest };
}
