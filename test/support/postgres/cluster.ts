import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';

import { endChild, hasEnded, killChild, spawnChild } from '../../../worker/child-process.ts';
import { freePort } from '../../../worker/dev-server.ts';
import { makeFastFolder } from '../memory-disk.ts';
import type { PostgresPrograms } from './programs.ts';
import { embeddedPrograms } from './programs.ts';

/** The options of {@link startCluster}. */
export interface ClusterOptions {
  readonly programs?: PostgresPrograms;
  /** Whether commits reach the disk. Default: no, as a test can do without. */
  readonly durable?: boolean;
  /** Whether it has a system identifier of its own. Default: no, it is a copy of one cluster. */
  readonly ownIdentity?: boolean;
  /** More settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL server of our own, on a free port of loopback, in a folder that goes with it. */
export class Cluster {
  readonly port: number;
  readonly folder: string;
  readonly #programs: PostgresPrograms;
  readonly #settings: Readonly<Record<string, string>>;
  #server: ChildProcess | undefined;

  constructor(port: number, folder: string, programs: PostgresPrograms, settings: Record<string, string>) {
    this.port = port;
    this.folder = folder;
    this.#programs = programs;
    this.#settings = settings;
  }

  url(database = 'postgres', user = 'postgres'): string {
    return `postgresql://${user}@127.0.0.1:${this.port}/${database}`;
  }

  /** As whom the server runs; undefined for who started it. */
  get user(): PostgresPrograms['user'] {
    return this.#programs.user;
  }

  get log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** Starts the server, also after {@link stop} or {@link kill}, and waits until it responds. */
  async start(): Promise<void> {
    const { bin, user } = this.#programs;
    const args = ['-D', join(this.folder, 'data'), '-p', String(this.port)];
    for (const [name, value] of Object.entries(this.#settings)) args.push('-c', `${name}=${value}`);
    const output = openSync(join(this.folder, 'log'), 'a');
    // SIGINT is PostgreSQL's fast shutdown.
    this.#server = spawnChild(join(bin, 'postgres'), args, { signal: 'INT', output, ...user });
    closeSync(output);
    for (let tries = 0; tries < 600; tries += 1) {
      if (hasEnded(this.#server)) break;
      if (await this.#responds()) return;
      await sleep(50);
    }
    throw new Error(`PostgreSQL did not start:\n${this.log}`);
  }

  /** Ends the server as its operator would. */
  async stop(): Promise<void> {
    if (this.#server !== undefined) await endChild(this.#server, 30_000);
    this.#server = undefined;
  }

  /** Ends all processes of the server as a crash of the machine would. */
  async kill(): Promise<void> {
    if (this.#server === undefined) return;
    // Each of its processes leads a group of its own.
    const [postmaster = ''] = readFileSync(join(this.folder, 'data/postmaster.pid'), 'utf8').split('\n');
    const backends = execFileSync('pgrep', ['-P', postmaster], { encoding: 'utf8' }).trim().split('\n');
    killChild(this.#server);
    for (const pid of backends) process.kill(Number(pid), 'SIGKILL');
    this.#server = undefined;
    while (await this.#responds()) await sleep(20);
    // After a crash of the machine no process has the number in it; here it may stay taken by a zombie.
    rmSync(join(this.folder, 'data/postmaster.pid'));
  }

  async destroy(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #responds(): Promise<boolean> {
    const client = new Client({ connectionString: this.url(), connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Makes a new cluster and starts it. One that is durable lies on a real disk. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const programs = options.programs ?? embeddedPrograms();
  const durable = options.durable === true;
  const folder = durable ? mkdtempSync(join(tmpdir(), 'temporal-vacuum-pg-')) : makeFastFolder('pg');
  if (programs.user !== undefined) chownSync(folder, programs.user.uid, programs.user.gid);
  const data = join(folder, 'data');
  const initial = process.env['TEST_PG_INITIAL'];
  const isCopy = options.programs === undefined && options.ownIdentity !== true;
  if (initial === undefined || !isCopy) initialize(programs, data);
  else execFileSync('cp', ['-a', initial, data], programs.user);
  const cluster = new Cluster(await freePort(), folder, programs, {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  });
  await cluster.start();
  return cluster;
}

/** Makes a folder with the files of a new cluster, to be copied by {@link startCluster}: `initdb` takes 0.5 s. */
export function makeInitialFiles(): { folder: string; data: string } {
  const programs = embeddedPrograms();
  const folder = makeFastFolder('initial');
  if (programs.user !== undefined) chownSync(folder, programs.user.uid, programs.user.gid);
  const data = join(folder, 'data');
  initialize(programs, data);
  return { folder, data };
}

function initialize({ bin, user }: PostgresPrograms, data: string): void {
  const flags = ['--encoding=UTF8', '--locale=C.UTF-8', '--auth=trust', '--username=postgres', '--no-sync'];
  execFileSync(join(bin, 'initdb'), ['-D', data, ...flags], { stdio: ['ignore', 'ignore', 'pipe'], ...user });
}
