import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';

import { endChild, spawnChild } from '../../../worker/child-process.ts';
import { freePort } from '../../../worker/dev-server.ts';
import { PGBOUNCER } from '../parts/bring.ts';
import { waitFor } from '../wait.ts';

/** A PgBouncer that hands out transactions, in front of a server. */
export class PgBouncer {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #port: number;

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.#port = port;
  }

  /** `poolSize` sessions of the server are shared by all clients. */
  static async start(target: string, poolSize: number): Promise<PgBouncer> {
    const { hostname, port: serverPort, username } = new URL(target);
    const folder = mkdtempSync(join(tmpdir(), 'temporal-vacuum-pgbouncer-'));
    chmodSync(folder, 0o755);
    const port = await freePort();
    const file = join(folder, 'pgbouncer.ini');
    writeFileSync(
      file,
      `[databases]
* = host=${hostname} port=${serverPort} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 100
`,
    );
    const bouncer = new PgBouncer(spawnChild(PGBOUNCER.path, [file], asNobody()), folder, port);
    await waitFor('PgBouncer', async () => bouncer.#responds(target));
    return bouncer;
  }

  /** The URL of a database of the server, by way of it. */
  urlFor(target: string): string {
    const url = new URL(target);
    url.port = String(this.#port);
    return url.toString();
  }

  async stop(): Promise<void> {
    await endChild(this.#child);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #responds(target: string): Promise<boolean> {
    const client = new Client({ connectionString: this.urlFor(target) });
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

/** It refuses to run as root. */
function asNobody(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
