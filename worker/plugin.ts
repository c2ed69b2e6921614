import { SimplePlugin } from '@temporalio/plugin';
import type { BundleOptions, ReplayWorkerOptions, WorkerOptions } from '@temporalio/worker';

import { createActivities } from '../activities/activities.ts';
import type { DatabaseSource } from '../activities/database/database.ts';
import { Databases } from '../activities/database/databases.ts';
import type { Mistake } from '../policy/mistake.ts';
import { refuseMistakes } from '../policy/mistake.ts';
import type { Policy } from '../policy/policy.ts';
import { bundleBesideHost, refuseForeignBundle, WORKFLOWS_PATH } from './bundle.ts';

/** What {@link VacuumPlugin} can be told. */
export interface VacuumPluginOptions {
  /**
   * The databases, by the names that policies use. A URL, or a function that answers a URL, a `pg` pool or a
   * MikroORM instance. Opened and closed with the worker; what is given open stays open. They never leave the
   * worker.
   */
  readonly databases: Readonly<Record<string, DatabaseSource>>;
  /** The policies that runs can name. */
  readonly policies: readonly Policy[];
  /** The schema of the ledger in each database. Default `vacuum`. */
  readonly ledgerSchema?: string;
  /**
   * The percent of a table that runs may delete where that is more than the `maxPercent` of their policy, as
   * `--allow-percent` has it.
   */
  readonly allowPercent?: number;
  /** @internal Where the workflows live, for a Temporal server that lives only as long as a command does. */
  readonly place?: string;
}

/** Heartbeats go out this often at the most, so that a pause is felt soon. Temporal's default is 60 s. */
const HEARTBEAT_THROTTLE = '500ms';
/** A worker that goes down lets the batch under way commit. Temporal's default is 0. */
const SHUTDOWN_GRACE = '15s';

/**
 * Adds workflow `vacuum` and its activities to a worker, beside whatever workflows and activities the worker has, or
 * alone. Fills in two worker options where they are not set: `maxHeartbeatThrottleInterval` 500 ms and
 * `shutdownGraceTime` 15 s.
 *
 * Throws where two policies have one name. Everything else about a policy is checked when a run of it begins, since
 * that needs the database.
 */
export class VacuumPlugin extends SimplePlugin {
  readonly #databases: Databases;
  #running = 0;

  constructor({ databases, policies, ledgerSchema, allowPercent, place }: VacuumPluginOptions) {
    const open = new Databases(databases, ledgerSchema);
    super({
      name: 'temporal-vacuum.VacuumPlugin',
      activities: createActivities({ policies, databases: open, place, allowPercent }),
      workflowsPath: (path) => path ?? WORKFLOWS_PATH,
      runContext: async (next) => this.#run(next),
    });
    refuseMistakes('VacuumPlugin', checkNames(policies));
    this.#databases = open;
  }

  override configureWorker(options: WorkerOptions): WorkerOptions {
    refuseForeignBundle(options.workflowBundle);
    const { workflowsPath, ...configured } = super.configureWorker(options);
    return {
      ...configured,
      // A worker with a bundle would warn about a path that it ignores.
      ...(options.workflowBundle === undefined && workflowsPath !== undefined ? { workflowsPath } : {}),
      maxHeartbeatThrottleInterval: options.maxHeartbeatThrottleInterval ?? HEARTBEAT_THROTTLE,
      shutdownGraceTime: options.shutdownGraceTime ?? SHUTDOWN_GRACE,
    };
  }

  override configureBundler(options: BundleOptions): BundleOptions {
    return bundleBesideHost(super.configureBundler(options));
  }

  override configureReplayWorker(options: ReplayWorkerOptions): ReplayWorkerOptions {
    refuseForeignBundle(options.workflowBundle);
    return super.configureReplayWorker(options);
  }

  /** One plugin may serve several workers, or be registered twice with one: the last to end closes the databases. */
  async #run(next: () => Promise<void>): Promise<void> {
    this.#running += 1;
    try {
      await this.#databases.open();
      await next();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) await this.#databases.close();
    }
  }
}

function checkNames(policies: readonly Policy[]): Mistake[] {
  const names = policies.map((policy) => policy.name);
  return [...new Set(names.filter((name, n) => names.indexOf(name) !== n))].map((name) => ({
    at: `policy ${JSON.stringify(name)}`,
    what: 'two policies have this name',
    fix: 'Name each policy of a worker differently',
  }));
}
