import type { ModelRow, ModelRun, ModelWorld } from './model-world.ts';

const TERMINAL = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED']);

/** The passes of the preset by name, each as a person would say it. */
export const PASSES: Readonly<Record<string, (world: ModelWorld) => void>> = {
  'orphaned-logs': (world) => world.take(lost(world, 'log')),
  'orphaned-artifacts': (world) => world.takeArtifacts(lost(world, 'artifact')),
  'stale-artifact-collections': (world) => world.collections.repair(),
  'old-flow-runs': (world) => takeRuns(world, ({ at }) => isBefore(at, world.horizons.runs)),
  'runs-without-end': (world) =>
    takeRuns(
      world,
      ({ at, stateAt, updated }) => at === null && isBefore(stateAt ?? updated, world.horizons.runs),
    ),
  'old-subflows': (world) => {
    const living = new Set(world.left('flow_run').flatMap(({ id, state }) => (isOver(state) ? [] : [id])));
    const ofLiving = new Set(
      world.left('task_run').flatMap(({ id, run }) => (living.has(run ?? '') ? [id] : [])),
    );
    const old = world
      .left('flow_run')
      .filter(
        ({ state, task, at }) =>
          isOver(state) && ofLiving.has(task ?? '') && isBefore(at, world.horizons.runs),
      );
    takeWithLines(world, old);
  },
  // They are reported; ending them is the server's work.
  'stuck-runs': () => undefined,
  'old-events': (world) => {
    const { events, eventsNamed } = world.horizons;
    const old = world.left('events').filter(({ name, at }) => {
      const named = eventsNamed.find(([pattern]) => fits(name ?? '', pattern));
      return isBefore(at, named?.[1] ?? events);
    });
    world.take(old);
    const ids = new Set(old.map(({ id }) => id));
    world.take(world.left('event_resources').filter(({ run }) => ids.has(run ?? '')));
  },
  'orphaned-event-resources': (world) =>
    world.take(
      world
        .left('event_resources')
        .filter(({ run, at }) => !world.has('events', run) && isBefore(at, world.horizons.grace)),
    ),
  'old-logs': (world) => {
    const { logs, logsOfLevel } = world.horizons;
    world.take(world.left('log').filter(({ name, at }) => isBefore(at, logsOfLevel.get(name ?? '') ?? logs)));
  },
  'old-background-task-runs': (world) => {
    const old = world
      .left('task_run')
      .filter(({ run, state, at }) => run === null && isOver(state) && isBefore(at, world.horizons.runs));
    const ids = new Set(old.map(({ id }) => id));
    world.take(old);
    world.take(world.left('log').filter(({ task }) => ids.has(task ?? '')));
    world.takeArtifacts(world.left('artifact').filter(({ task }) => ids.has(task ?? '')));
  },
  'orphaned-task-logs': (world) => world.take(lostOfTasks(world, 'log')),
  'orphaned-task-artifacts': (world) => world.takeArtifacts(lostOfTasks(world, 'artifact')),
  'expired-state-cache': (world) =>
    world.take(world.left('task_run_state_cache').filter(({ at }) => isBefore(at, world.horizons.now))),
  'orphaned-state-cache': (world) =>
    world.take(world.left('task_run_state_cache').filter(({ task }) => !world.has('task_run_state', task))),
};

function isOver(state: string | null): boolean {
  return TERMINAL.has(state ?? '');
}

function isBefore(at: number | null, horizon: number): boolean {
  return at !== null && at < horizon;
}

function fits(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function lost(world: ModelWorld, table: 'log' | 'artifact'): ModelRow[] {
  return world
    .left(table)
    .filter(
      ({ run, at }) => run !== null && !world.has('flow_run', run) && isBefore(at, world.horizons.grace),
    );
}

function lostOfTasks(world: ModelWorld, table: 'log' | 'artifact'): ModelRow[] {
  return world.left(table).filter(({ run, task, at }) => {
    if (run !== null || task === null || world.has('task_run', task)) return false;
    return isBefore(at, world.horizons.grace);
  });
}

/** Takes runs that are over, from the top of a family down as far as all are old. */
function takeRuns(world: ModelWorld, isOld: (run: ModelRun) => boolean): void {
  for (;;) {
    const old = world
      .left('flow_run')
      .filter((run) => isOver(run.state) && isOld(run) && !world.has('task_run', run.task ?? ''));
    if (old.length === 0) return;
    takeWithLines(world, old);
  }
}

function takeWithLines(world: ModelWorld, runs: readonly ModelRow[]): void {
  const ids = new Set(runs.map(({ id }) => id));
  world.take(runs);
  world.take(world.left('log').filter(({ run }) => ids.has(run ?? '')));
  world.takeArtifacts(world.left('artifact').filter(({ run }) => ids.has(run ?? '')));
  world.cascade();
}
