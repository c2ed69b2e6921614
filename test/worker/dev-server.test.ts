import { once } from 'node:events';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { startDevServer } from '../../worker/dev-server.ts';
import { describeNeeding } from '../support/needing.ts';
import { find, TEMPORAL } from '../support/parts/bring.ts';

describeNeeding(['temporal'], 'a port that somebody else has', () => {
  let holder: Server;
  let taken: number;

  beforeEach(async () => {
    holder = createServer();
    holder.listen(0, '127.0.0.1');
    await once(holder, 'listening');
    taken = (holder.address() as AddressInfo).port;
  });
  afterEach(() => {
    holder.close();
  });

  test('is told, where it was asked for', async () => {
    const program = find(TEMPORAL);
    await expect(startDevServer({ program, port: taken })).rejects.toThrow(
      /did not start:\n.*already in use/s,
    );
  });

  test('is given up for another one, where it was taken after it was found free', async () => {
    const folder = mkdtempSync(join(process.env['TEST_FOLDER'] ?? '', 'dev-server-'));
    const program = join(folder, 'temporal');
    const real = `'${find(TEMPORAL) ?? ''}'`;
    // The first server finds its port taken.
    writeFileSync(
      program,
      `#!/bin/sh
       [ ! -e '${folder}/tried' ] || exec ${real} "$@"
       : > '${folder}/tried'
       exec ${real} server start-dev --ip 127.0.0.1 --port ${taken} --headless --log-level error`,
    );
    chmodSync(program, 0o755);
    const server = await startDevServer({ program });
    expect(server.address).not.toBe(`127.0.0.1:${taken}`);
    await server.stop();
  });
});
