import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { USE_MADE_BUNDLE } from './made-bundle.ts';
import { ROOT } from './parts/bring.ts';
import { temporalAddress } from './temporal.ts';
import { waitFor } from './wait.ts';

/** The options of {@link startWorkerProcess}. */
export interface WorkerProcessOptions {
  readonly url: string;
  readonly taskQueue: string;
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  readonly address?: string;
  /** Runs what `npm run build` built, as users of the package do. Default: the sources. */
  readonly built?: boolean;
  /** A configuration file in place of the preset. It finds the URL in `TEST_DATABASE_URL`. */
  readonly config?: string;
  /** Whether `flags` name the policy and its settings. */
  readonly bare?: boolean;
  /** Where to serve metrics. */
  readonly metrics?: string;
  /** Where to serve the page and the API. */
  readonly http?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** More flags of the command. */
  readonly flags?: readonly string[];
}

/** `temporal-vacuum worker` in a process of its own, to be killed. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  #output = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
  }

  get output(): string {
    return this.#output;
  }

  /** Where it serves the page. */
  get url(): string {
    const { url } = /the page is on (?<url>\S+)/.exec(this.#output)?.groups ?? {};
    if (url === undefined) throw new Error(`the worker serves no page:\n${this.#output}`);
    return url;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Sends a signal and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.ended) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}

/** Starts a worker and waits until it works. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const {
    url,
    taskQueue,
    settings = {},
    address = temporalAddress(),
    built = false,
    config,
    bare = false,
    metrics,
    http,
    env = {},
    flags = [],
  } = options;
  const sets = Object.entries({ enabled: true, maxPercent: 100, ...settings }).flatMap(([key, value]) => [
    '--set',
    `${key}=${String(value)}`,
  ]);
  const where = ['--address', address, '--task-queue', taskQueue, ...flags];
  if (metrics !== undefined) where.push('--metrics', metrics);
  if (http !== undefined) where.push('--http', http);
  const preset = ['--url', url, ...(bare ? [] : ['--preset', 'prefect', ...sets])];
  const what = config === undefined ? preset : ['--config', config];
  const child = spawn(
    process.execPath,
    [join(ROOT, built ? 'dist/worker/cli/main.js' : 'worker/cli/main.ts'), 'worker', ...what, ...where],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        ...USE_MADE_BUNDLE,
        TEST_DATABASE_URL: url,
        ...env,
      },
    },
  );
  const worker = new WorkerProcess(child);
  try {
    await waitFor('the worker to work', async () => {
      if (worker.ended) throw new Error(`the worker ended:\n${worker.output}`);
      return worker.output.includes('working on task queue');
    });
  } catch (error) {
    // Nobody else knows of it.
    await worker.end('SIGKILL');
    throw error;
  }
  return worker;
}
