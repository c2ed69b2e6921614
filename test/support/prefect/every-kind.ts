import type { TestDatabase } from '../database.ts';
import { EventRows } from './event-rows.ts';
import { Fates } from './fates.ts';
import { HEARTBEAT, RETENTION } from './retention.ts';
import type { MadeRun } from './rows.ts';
import { PrefectRows } from './rows.ts';
import { TaskRows } from './task-rows.ts';

const TERMINAL = ['COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED'];
const STUCK = ['RUNNING', 'PENDING', 'CANCELLING', 'PAUSED', 'SCHEDULED'];

/** Just past a retention. */
function past(retention: string): string {
  return `${retention} 5 seconds`;
}

/** Just within a retention, for as long as a test takes. */
function within(retention: string): string {
  return `${retention} -10 minutes`;
}

/** Fills a Prefect database with rows of every kind, on both sides of every boundary of {@link RETENTION}. */
export async function makeEveryKind(database: TestDatabase): Promise<Fates> {
  const made = { fates: new Fates(), database, rows: new PrefectRows(database) };
  for (const make of [runs, orphans, events, logs, backgroundTasks, orphansOfTasks, stateCache])
    await make(made);
  return made.fates;
}

interface Made {
  readonly fates: Fates;
  readonly database: TestDatabase;
  readonly rows: PrefectRows;
}

async function runs({ fates, rows }: Made): Promise<void> {
  const more = { tasks: 2, logs: 2, inputs: 1, artifacts: ['report', null] };
  for (const state of TERMINAL) {
    fates.go('old-flow-runs', state, ...ids(await rows.run({ ...more, state, ended: past(RETENTION.runs) })));
    fates.stay(
      'old-flow-runs',
      state,
      ...ids(await rows.run({ ...more, state, ended: within(RETENTION.runs) })),
    );
    const without = { ...more, state, ended: null };
    const entered = past(RETENTION.runs);
    fates.go('runs-without-end', state, ...ids(await rows.run({ ...without, entered })));
    fates.stay(
      'runs-without-end',
      state,
      ...ids(await rows.run({ ...without, entered: within(RETENTION.runs) })),
    );
  }
  const neverEntered = { ended: null, tasks: 1 };
  fates.go(
    'runs-without-end',
    'by updated',
    ...ids(await rows.run({ ...neverEntered, written: past(RETENTION.runs) })),
  );
  fates.stay('runs-without-end', 'by updated', ...ids(await rows.run(neverEntered)));
  const enteredLately = { ...neverEntered, entered: '1 day', written: '200 days' };
  fates.stay('runs-without-end', 'the state is younger', ...ids(await rows.run(enteredLately)));
  for (const state of STUCK) {
    const old = { state, ended: null, entered: '100 days', written: '100 days', tasks: 1, logs: 1 };
    const stuck = await rows.run(old);
    fates.stay('stuck-runs', state, ...ids(stuck));
    const parentTask = stuck.tasks[0] ?? '';
    fates.go(
      'old-subflows',
      `of ${state}`,
      ...ids(await rows.run({ parentTask, ended: past(RETENTION.runs) })),
    );
    fates.stay(
      'old-subflows',
      `of ${state}`,
      ...ids(await rows.run({ parentTask, ended: within(RETENTION.runs) })),
    );
    fates.stay('old-subflows', `${state} itself`, ...ids(await rows.run({ ...old, parentTask })));
  }
}

async function orphans({ fates, rows, database }: Made): Promise<void> {
  const run = 'ffffffff-0000-4000-8000-000000000000';
  await rows.logs(run, 2, past(RETENTION.grace));
  const lines = await database.rows<{ id: string }>('select id::text from log where flow_run_id = $1', [run]);
  fates.go('orphaned-logs', 'past the grace', ...lines.map(({ id }) => id));
  fates.go(
    'orphaned-artifacts',
    'past the grace',
    await rows.artifact({ run, age: past(RETENTION.grace), key: 'lost' }),
  );
  fates.stay('orphaned-artifacts', 'within', await rows.artifact({ run, age: within(RETENTION.grace) }));
  fates.stay('orphaned-artifacts', 'no run at all', await rows.artifact({ run: null, age: '300 days' }));
  fates.go('stale-artifact-collections', 'nothing left', await rows.collection('nothing'));
  fates.stay('stale-artifact-collections', 'moves', await rows.collection('report'));
}

async function events({ fates, database }: Made): Promise<void> {
  const rows = new EventRows(database);
  const make = async (name: string, age: string, related = 2): Promise<string[]> => {
    const { id, resources } = await rows.event({ name, age, related });
    return [id, ...resources];
  };
  const boundaries = [
    ['prefect.flow-run.Completed', RETENTION.events],
    ['prefect.task-run.Running', RETENTION.events],
    [HEARTBEAT, RETENTION.heartbeats],
    ['acme.order.paid', RETENTION.acme],
    // Neither of the two is what the overrides name.
    [`${HEARTBEAT}.custom`, RETENTION.events],
    ['acme', RETENTION.events],
  ] as const;
  for (const [name, retention] of boundaries) {
    for (const related of [0, 6]) {
      fates.go('old-events', name, ...(await make(name, past(retention), related)));
      fates.stay('old-events', name, ...(await make(name, within(retention), related)));
    }
  }
  fates.go('old-events', 'very old', ...(await make('prefect.flow-run.Late', '900 days')));
  fates.go('orphaned-event-resources', 'past', await rows.resource(undefined, past(RETENTION.grace)));
  fates.stay('orphaned-event-resources', 'within', await rows.resource(undefined, within(RETENTION.grace)));
}

/** Lines of a run that lives for ever. */
async function logs({ fates, rows, database }: Made): Promise<void> {
  const { id: run } = await rows.run({ state: 'RUNNING', ended: null });
  const line = async (level: number, age: string): Promise<string> =>
    database.value<string>(
      `insert into log (name, level, flow_run_id, message, timestamp)
       values ('made', $2, $1, 'of a run that lives', now() - $3::interval) returning id::text`,
      [run, level, age],
    );
  const boundaries = [
    [10, RETENTION.debugLogs],
    [20, RETENTION.logs],
    [30, RETENTION.logs],
    [40, RETENTION.errorLogs],
  ] as const;
  for (const [level, retention] of boundaries) {
    fates.go('old-logs', `level ${level}`, await line(level, past(retention)));
    fates.stay('old-logs', `level ${level}`, await line(level, within(retention)));
  }
}

async function backgroundTasks({ fates, database }: Made): Promise<void> {
  const tasks = new TaskRows(database);
  const pass = 'old-background-task-runs';
  for (const state of TERMINAL) {
    fates.go(pass, state, ...(await tasks.background({ state, ended: past(RETENTION.runs) })).rows);
    fates.stay(pass, state, ...(await tasks.background({ state, ended: within(RETENTION.runs) })).rows);
  }
  for (const state of STUCK)
    fates.stay(pass, state, ...(await tasks.background({ state, ended: null })).rows);
}

async function orphansOfTasks({ fates, database, rows }: Made): Promise<void> {
  const tasks = new TaskRows(database);
  const gone = 'ffffffff-0000-4000-8000-000000000001';
  const alive = await rows.task(null);
  fates.go('orphaned-task-logs', 'past', await tasks.line(gone, past(RETENTION.grace)));
  fates.stay('orphaned-task-logs', 'within', await tasks.line(gone, within(RETENTION.grace)));
  fates.stay('orphaned-task-logs', 'of one that is there', await tasks.line(alive, '80 days'));
  fates.stay('orphaned-task-logs', 'of neither', await tasks.line(null, '80 days'));
  fates.go('orphaned-task-artifacts', 'past', await tasks.artifact(gone, past(RETENTION.grace), 'lost'));
  fates.stay('orphaned-task-artifacts', 'within', await tasks.artifact(gone, within(RETENTION.grace)));
  fates.stay('orphaned-task-artifacts', 'of one that is there', await tasks.artifact(alive, '80 days'));
  fates.stay('orphaned-task-artifacts', 'of neither', await tasks.artifact(null, '80 days'));
}

async function stateCache({ fates, database, rows }: Made): Promise<void> {
  const tasks = new TaskRows(database);
  const task = await rows.task(null);
  const state = await database.value<string>(
    'select id::text from task_run_state where task_run_id = $1 limit 1',
    [task],
  );
  const gone = 'ffffffff-0000-4000-8000-000000000002';
  fates.go('expired-state-cache', 'a moment ago', await tasks.cached(state, '-5 seconds'));
  fates.go('expired-state-cache', 'long ago', await tasks.cached(state, '-200 days'));
  fates.stay('expired-state-cache', 'soon', await tasks.cached(state, '10 minutes'));
  fates.stay('expired-state-cache', 'never', await tasks.cached(state, null));
  fates.go('orphaned-state-cache', 'never expires', await tasks.cached(gone, null));
  fates.go('orphaned-state-cache', 'made just now', await tasks.cached(gone, null, '1 second'));
  fates.go('orphaned-state-cache', 'expires later', await tasks.cached(gone, '10 minutes'));
}

function ids({ id, tasks }: MadeRun): string[] {
  return [id, ...tasks];
}
