import { afterAll, beforeAll } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';

import type { DevServer } from '../../worker/dev-server.ts';
import { startDevServer } from '../../worker/dev-server.ts';

/** A Temporal server of a `describe` alone: for what uses the task queues and schedules that everybody uses. */
export class OwnTemporal {
  #server: DevServer | undefined;
  #client: Client | undefined;

  /** Called in the `describe`. Starts before its tests and stops after them. */
  static forAll(): OwnTemporal {
    const own = new OwnTemporal();
    beforeAll(async () => {
      own.#server = await startDevServer();
      own.#client = new Client({ connection: await Connection.connect({ address: own.address }) });
    });
    afterAll(async () => {
      await own.#client?.connection.close();
      await own.#server?.stop();
    });
    return own;
  }

  get address(): string {
    if (this.#server === undefined) throw new Error('the server is there in tests alone');
    return this.#server.address;
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('the server is there in tests alone');
    return this.#client;
  }
}
