import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { cli } from '../../support/cli.ts';
import { onServer } from '../../support/database.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { startCluster } from '../../support/postgres/cluster.ts';
import { temporalAddress } from '../../support/temporal.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await onServer(
    cluster.url(),
    `create table thing (id integer primary key, owner_id integer, state text not null, at timestamptz not null);
     insert into thing select n, 1, 'done', now() - interval '60 days' from generate_series(1, 10) as n`,
  );
  await cluster.stop();
  writeFileSync(join(cluster.folder, 'data/standby.signal'), '');
  await cluster.start();
});
afterAll(async () => cluster.destroy());

const CONFIG = ['--config', 'test/support/stops.config.ts'];
const env = (): Record<string, string> => ({ STOPS_DATABASE_URL: cluster.url() });

test('a hot standby is previewed', async () => {
  const { code, stdout } = await cli(['preview', 'plain', ...CONFIG], { env: env() });
  expect(stdout).toContain('10 rows would go');
  expect(code).toBe(0);
});

test.each([
  ['run', ['run', 'plain', '--execute']],
  ['doctor', ['doctor', 'plain']],
  ['ledger migrate', ['ledger', 'migrate']],
  ['hold add', ['hold', 'add', 'Thing', '3', '--policy', 'plain', '--reason', 'x']],
])('%s ends in one sentence on a hot standby', async (_, command) => {
  const address = command[0] === 'doctor' ? ['--address', temporalAddress()] : [];
  const { code, stdout, stderr } = await cli([...command, ...address, ...CONFIG], { env: env() });
  expect(`${stdout}${stderr}`).toMatch(/standby|read-only/);
  expect(`${stdout}${stderr}`).not.toMatch(/\n\s+at |an unexpected error/);
  expect(code).not.toBe(0);
});
