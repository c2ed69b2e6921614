import type { TestDatabase } from '../database.ts';

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

export interface ModelOptions {
  /** ISO 8601 or what PostgreSQL writes. */
  readonly horizon: string;
  readonly graceHorizon: string;
  /** Default: all. */
  readonly passes?: readonly string[];
}

const TERMINAL = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED']);

export const TABLES = [
  'flow',
  'flow_run',
  'flow_run_state',
  'flow_run_input',
  'task_run',
  'task_run_state',
  'log',
  'artifact',
  'artifact_collection',
] as const;

type Row = Record<string, string | null>;

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
  const { horizon, graceHorizon, passes = ALL } = options;
  const at = async (table: string, columns: string): Promise<Row[]> =>
    database.rows<Row>(`select id::text, ${columns} from ${table}`);
  const before = (column: string, instant: string): string =>
    `(${column} < '${instant}'::timestamptz)::text as expired`;
  const runs = await at(
    'flow_run',
    `parent_task_run_id::text as parent, state_type::text as state, ${before('end_time', horizon)}`,
  );
  const tasks = await at('task_run', 'flow_run_id::text as run');
  const logs = await at('log', `flow_run_id::text as run, ${before('timestamp', graceHorizon)}`);
  const artifacts = await at(
    'artifact',
    `flow_run_id::text as run, key, ${before('created', graceHorizon)}, created::text as created`,
  );
  const collections = await at('artifact_collection', 'key, latest_id::text as latest');

  const runIds = new Set(runs.map((row) => row['id']));
  const gone = new Set<string | null | undefined>();
  const isOrphan = (row: Row): boolean =>
    row['run'] !== null && !runIds.has(row['run']) && row['expired'] === 'true';
  if (passes.includes('orphaned-logs')) for (const row of logs.filter(isOrphan)) gone.add(row['id']);
  const model = new Collections(artifacts, collections, gone);
  if (passes.includes('orphaned-artifacts')) {
    const orphans = artifacts.filter(isOrphan);
    for (const row of orphans) gone.add(row['id']);
    model.repair(new Set(orphans.map((row) => row['key'])));
  }
  if (passes.includes('stale-artifact-collections')) model.repair(undefined);
  if (passes.includes('old-flow-runs')) {
    const runOfTask = new Map(tasks.map((row) => [row['id'], row['run']]));
    for (let found = true; found;) {
      found = false;
      for (const run of runs) {
        if (gone.has(run['id']) || run['expired'] !== 'true' || !TERMINAL.has(run['state'] ?? '')) continue;
        const parent = run['parent'] ?? null;
        const nested = parent !== null && !gone.has(runOfTask.get(parent) ?? 'a task without a run');
        if (nested) continue;
        gone.add(run['id']);
        found = true;
      }
    }
    for (const row of logs) if (row['run'] !== null && gone.has(row['run'])) gone.add(row['id']);
    const ofRuns = artifacts.filter((row) => row['run'] !== null && gone.has(row['run']));
    for (const row of ofRuns) gone.add(row['id']);
    model.repair(new Set(ofRuns.map((row) => row['key'])));
  }
  const hanging: [string, string, Set<string | null | undefined>][] = [
    ['flow_run_state', 'flow_run_id', gone],
    ['flow_run_input', 'flow_run_id', gone],
    ['task_run', 'flow_run_id', gone],
    ['task_run_state', 'task_run_id', gone],
  ];
  for (const [table, column, parents] of hanging) {
    for (const row of await at(table, `${column}::text as of`))
      if (parents.has(row['of'])) gone.add(row['id']);
  }
  const ids = await readIds(database);
  const stay = new Map(
    [...ids].map(([table, all]) => [table, new Set([...all].filter((id) => !gone.has(id)))]),
  );
  return { stay, latest: model.latest };
}

const ALL = ['orphaned-logs', 'orphaned-artifacts', 'stale-artifact-collections', 'old-flow-runs'];

class Collections {
  readonly latest = new Map<string, string>();
  readonly #artifacts: readonly Row[];
  readonly #collections: readonly Row[];
  readonly #gone: Set<string | null | undefined>;

  constructor(artifacts: readonly Row[], collections: readonly Row[], gone: Set<string | null | undefined>) {
    this.#artifacts = artifacts;
    this.#collections = collections;
    this.#gone = gone;
    for (const row of collections) this.latest.set(row['id'] ?? '', row['latest'] ?? '');
  }

  /** Repairs collections of some keys, or all, that name an artifact that is not there. */
  repair(keys: ReadonlySet<string | null | undefined> | undefined): void {
    const alive = this.#artifacts.filter((row) => !this.#gone.has(row['id']));
    const living = new Set(alive.map((row) => row['id']));
    for (const { id, key } of this.#collections) {
      if (id == null || this.#gone.has(id) || (keys !== undefined && !keys.has(key))) continue;
      if (living.has(this.latest.get(id) ?? '')) continue;
      const newest = alive
        .filter((row) => row['key'] === key)
        .toSorted((a, b) => order(a, b))
        .at(-1);
      if (newest?.['id'] != null) this.latest.set(id, newest['id']);
      else {
        this.#gone.add(id);
        this.latest.delete(id);
      }
    }
  }
}

/** Timestamps as PostgreSQL writes them in one session compare as text once the fraction is filled up. */
function order(a: Row, b: Row): number {
  const key = (row: Row): string => `${instantKey(row['created'] ?? '')} ${row['id'] ?? ''}`;
  return key(a) < key(b) ? -1 : 1;
}

function instantKey(text: string): string {
  const [, seconds = '', fraction = ''] = /^([^.+]+)(?:\.(\d+))?/.exec(text) ?? [];
  return `${seconds}.${fraction.padEnd(6, '0')}`;
}
