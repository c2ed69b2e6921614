import { randomUUID } from 'node:crypto';

import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';

import type { VacuumInput } from '../../activities/contract.ts';
import type { Policy } from '../../policy/policy.ts';
import { VacuumPlugin } from '../../worker/plugin.ts';
import { BUNDLE_VARIABLE } from './made-bundle.ts';

/** The shared dev server. */
export function temporalAddress(): string {
  const address = process.env['TEST_TEMPORAL_ADDRESS'];
  if (address === undefined) throw new Error('the global setup has not started Temporal');
  return address;
}

/** The bundle of our workflow, made once for all. */
export function sharedBundle(): string {
  const path = process.env[BUNDLE_VARIABLE];
  if (path === undefined) throw new Error('the global setup has not bundled the workflow');
  return path;
}

/**
 * Workflows run in their sandbox as ever, but not in a thread of their own, which takes 0.4 s of a processor to start. Workers
 * in processes of their own, as tests kill them, have the thread.
 */
const IN_THIS_THREAD = { debugMode: true };

/** Connections and workers of one test file, closed together. */
export class TemporalSession {
  readonly address: string;
  readonly #closing: (() => Promise<void>)[] = [];
  #client: Client | undefined;

  constructor(address: string = temporalAddress()) {
    this.address = address;
  }

  async client(): Promise<Client> {
    if (this.#client === undefined) {
      const connection = await Connection.connect({ address: this.address });
      this.#closing.push(async () => connection.close());
      this.#client = new Client({ connection });
    }
    return this.#client;
  }

  /** A task queue that no other test has. */
  queue(): string {
    return `test-${randomUUID()}`;
  }

  /** Runs a worker that has our workflow and no activities while work is done. */
  async withWorkflowOnly<T>(taskQueue: string, work: () => Promise<T>): Promise<T> {
    quietRuntime();
    const connection = await NativeConnection.connect({ address: this.address });
    try {
      const workflowBundle = { codePath: sharedBundle() };
      const worker = await Worker.create({ connection, taskQueue, workflowBundle, ...IN_THIS_THREAD });
      return await worker.runUntil(work);
    } finally {
      await connection.close();
    }
  }

  /** Runs a worker that has our activities and no workflow while work is done. */
  async withActivitiesOnly<T>(
    taskQueue: string,
    { url, policies }: { url: string; policies: readonly Policy[] },
    work: () => Promise<T>,
  ): Promise<T> {
    quietRuntime();
    const connection = await NativeConnection.connect({ address: this.address });
    try {
      const plugins = [new ActivitiesOnly({ databases: { main: url }, policies })];
      const worker = await Worker.create({ connection, taskQueue, plugins });
      return await worker.runUntil(work);
    } finally {
      await connection.close();
    }
  }

  /** Runs a worker of ours while work is done. */
  async withVacuum<T>(
    options: {
      taskQueue: string;
      policies: readonly Policy[];
      worker?: Partial<WorkerOptions>;
      allowPercent?: number;
    } & ({ url: string } | { databases: Readonly<Record<string, string>> }),
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    quietRuntime();
    const { policies, allowPercent } = options;
    const databases = 'url' in options ? { main: options.url } : options.databases;
    const connection = await NativeConnection.connect({ address: this.address });
    try {
      const worker = await Worker.create({
        connection,
        taskQueue: options.taskQueue,
        plugins: [
          new VacuumPlugin({ databases, policies, ...(allowPercent === undefined ? {} : { allowPercent }) }),
        ],
        workflowBundle: { codePath: sharedBundle() },
        ...IN_THIS_THREAD,
        ...options.worker,
      });
      return await worker.runUntil(work(await this.client()));
    } finally {
      await connection.close();
    }
  }

  /** Starts workflow `vacuum`. */
  async start(
    taskQueue: string,
    input?: VacuumInput | null,
    workflowId = `vacuum-${randomUUID()}`,
  ): Promise<WorkflowHandleWithFirstExecutionRunId> {
    const client = await this.client();
    return client.workflow.start('vacuum', {
      taskQueue,
      workflowId,
      args: input === undefined ? [] : [input],
    });
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}

class ActivitiesOnly extends VacuumPlugin {
  override configureWorker(options: WorkerOptions): WorkerOptions {
    const { workflowsPath: _, ...configured } = super.configureWorker(options);
    return configured;
  }
}

/** The runtime of this process, once, with only errors in the log. */
export function quietRuntime(): void {
  try {
    Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), shutdownSignals: [] });
  } catch {
    // It is installed already.
  }
}
