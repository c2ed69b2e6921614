import { SimplePlugin } from '@temporalio/plugin';
import type { BundleOptions, ReplayWorkerOptions, Worker, WorkerOptions } from '@temporalio/worker';

import { createActivities } from '../activities/activities.ts';
import type { DatabaseSource } from '../activities/ledger/database.ts';
import { Databases } from '../activities/ledger/databases.ts';
import type { Issue } from '../policy/issue.ts';
import { assertValid } from '../policy/issue.ts';
import type { Policy } from '../policy/policy.ts';
import { bundleWithHost, refuseForeignBundle, WORKFLOWS_PATH } from './bundle.ts';
import { checkOptions } from './check-options.ts';
import { recordLastRunsAtStart } from './record-last-runs.ts';

/** The options of {@link VacuumPlugin}. */
export interface VacuumPluginOptions {
  /**
   * The databases, by the names that policies use: a URL, or a function that returns a URL, a `pg` pool or a
   * MikroORM instance. The plugin opens and closes URLs with the worker; a pool or an instance stays open. They never
   * leave the worker.
   */
  readonly databases: Readonly<Record<string, DatabaseSource>>;
  /** The policies that runs can name. */
  readonly policies: readonly Policy[];
  /** The schema of the ledger in each database. Default `vacuum`. */
  readonly ledgerSchema?: string;
  /**
   * The percent of a table that runs may delete, if it is more than the `maxPercent` of their policy. The command line
   * has it as `--allow-percent`.
   */
  readonly allowPercent?: number;
  /** @internal The id of the Temporal cluster. Default: the id that the cluster reports. */
  readonly clusterId?: string;
}

/** The shortest interval of heartbeats, so that a pause takes effect soon. Temporal's default is 60 s. */
const HEARTBEAT_THROTTLE = '500ms';
/** A worker that shuts down lets its current batch commit. Temporal's default is 0. */
const SHUTDOWN_GRACE = '15s';

/**
 * Adds workflow `vacuum` and its activities to a worker, alone or beside the worker's own. Sets two worker options that
 * have no value: `maxHeartbeatThrottleInterval` to 500 ms and `shutdownGraceTime` to 15 s.
 *
 * Throws a `ValidationError` for an option that it does not have, and if two policies have the same name. Each run checks the rest of its policy when it begins,
 * because this needs the database.
 */
export class VacuumPlugin extends SimplePlugin {
  readonly #databases: Databases;
  readonly #policies: readonly Policy[];
  #running = 0;

  constructor(options: VacuumPluginOptions) {
    const { databases, policies, ledgerSchema, allowPercent, clusterId } = checkOptions(
      'plugin',
      options,
      'VacuumPlugin',
    );
    const open = new Databases(databases, ledgerSchema);
    super({
      name: 'temporal-vacuum.VacuumPlugin',
      activities: createActivities({ policies, databases: open, temporal: clusterId, allowPercent }),
      workflowsPath: (path) => path ?? WORKFLOWS_PATH,
    });
    assertValid('VacuumPlugin', checkNames(policies));
    this.#databases = open;
    this.#policies = policies;
  }

  override configureWorker(options: WorkerOptions): WorkerOptions {
    refuseForeignBundle(options.workflowBundle);
    const { workflowsPath, ...configured } = super.configureWorker(options);
    return {
      ...configured,
      // A worker with a bundle ignores the path, and warns about it.
      ...(options.workflowBundle === undefined && workflowsPath !== undefined ? { workflowsPath } : {}),
      maxHeartbeatThrottleInterval: options.maxHeartbeatThrottleInterval ?? HEARTBEAT_THROTTLE,
      shutdownGraceTime: options.shutdownGraceTime ?? SHUTDOWN_GRACE,
    };
  }

  override configureBundler(options: BundleOptions): BundleOptions {
    return bundleWithHost(super.configureBundler(options));
  }

  override configureReplayWorker(options: ReplayWorkerOptions): ReplayWorkerOptions {
    refuseForeignBundle(options.workflowBundle);
    return super.configureReplayWorker(options);
  }

  /** Several workers may share a plugin, and a worker may register it twice. The last to end closes the databases. */
  override async runWorker(worker: Worker, next: (worker: Worker) => Promise<void>): Promise<void> {
    this.#running += 1;
    const ended = new AbortController();
    let recorded: Promise<void> | undefined;
    try {
      await this.#databases.open();
      const { namespace, taskQueue } = worker.options;
      const tags = { namespace, taskQueue };
      recorded = recordLastRunsAtStart(this.#databases, this.#policies, tags, ended.signal);
      await super.runWorker(worker, next);
    } finally {
      ended.abort();
      await recorded;
      this.#running -= 1;
      if (this.#running === 0) await this.#databases.close();
    }
  }
}

function checkNames(policies: readonly Policy[]): Issue[] {
  const names = policies.map((policy) => policy.name);
  return [...new Set(names.filter((name, n) => names.indexOf(name) !== n))].map((name) => ({
    at: `policy ${JSON.stringify(name)}`,
    what: 'two policies have this name',
    fix: 'Name each policy of a worker differently',
  }));
}
