import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** Where to hold a batch: before its commit reaches the server, or after the server has done it. */
export type HoldAt = 'before commit' | 'after commit';

const LEDGER_INSERT = Buffer.from('insert into "vacuum"."batch"');
const COMMIT = Buffer.from('commit\0');

/**
 * A proxy in front of PostgreSQL that holds one batch at its commit, for kills that are aimed: with it the deletes of
 * the batch are done and not committed, or committed and the worker does not know.
 */
export class CommitProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #at: HoldAt;
  readonly #sockets = new Set<Socket>();
  #batchesToPass: number;
  #held = false;
  #onHeld: () => void = () => undefined;
  /** Resolves when a batch is held. */
  readonly held = new Promise<void>((resolve) => {
    this.#onHeld = resolve;
  });

  private constructor(target: string, at: HoldAt, batchesToPass: number) {
    this.#target = new URL(target);
    this.#at = at;
    this.#batchesToPass = batchesToPass;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Lets so many batches pass and holds the one after. */
  static async start(target: string, at: HoldAt, batchesToPass: number): Promise<CommitProxy> {
    const proxy = new CommitProxy(target, at, batchesToPass);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    const url = new URL(this.#target);
    if (typeof address === 'object' && address !== null) url.port = String(address.port);
    return url.toString();
  }

  /** Cuts all connections, as they are when a process dies. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    let inBatch = false;
    let mute = false;
    client.on('data', (chunk) => {
      if (chunk.includes(LEDGER_INSERT)) inBatch = true;
      if (inBatch && chunk.includes(COMMIT)) {
        inBatch = false;
        if (this.#isToHold()) {
          mute = true;
          if (this.#at === 'before commit') {
            this.#onHeld();
            return;
          }
        }
      }
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!mute) client.write(chunk);
      // The response to the commit: before it, the server may not have committed yet.
      else this.#onHeld();
    });
  }

  #isToHold(): boolean {
    if (this.#held) return false;
    this.#batchesToPass -= 1;
    this.#held = this.#batchesToPass < 0;
    return this.#held;
  }
}
