import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';

import { runEngine } from '../../support/engine.ts';
import { JOBS_POLICY } from '../../support/logged-jobs.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { startCluster } from '../../support/postgres/cluster.ts';

// A prepared transaction has no session that could be ended, and its locks survive a restart of the server.

let cluster: Cluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster({ settings: { max_prepared_transactions: '4' } });
  client = new Client({ connectionString: cluster.url() });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await cluster.destroy();
});

const ids = async (table: string): Promise<number[]> =>
  (await client.query<{ id: number }>(`select id from ${table} order by id`)).rows.map(({ id }) => id);

test('rows that a prepared transaction has locked stay with their children, are counted, and go once it ends', async () => {
  await client.query(`
    create table job (id integer primary key, at timestamptz not null);
    create table log (id integer primary key, job_id integer);
    create index on log (job_id);
    insert into job select n, now() - interval '9 days' from generate_series(1, 10) as n;
    insert into log select 10 * id, id from job`);
  // Job 4 comes to life, job 6 is deleted, and a child of job 8 is locked.
  for (const [name, statement] of [
    ['touched', 'update job set at = now() where id = 4'],
    ['deleted', 'delete from job where id = 6'],
    ['child', 'update log set job_id = 8 where id = 80'],
  ] as const) {
    await client.query('begin');
    await client.query(statement);
    await client.query(`prepare transaction '${name}'`);
  }
  // The child is waited for as long as a batch may take, which then is tried without its row.
  await client.query(`commit prepared 'child'`);
  const first = await runEngine(cluster.url(), JOBS_POLICY, { lockFirst: true });
  expect(first.passes).toMatchObject([{ deleted: { job: 8, log: 8 }, skipped: 2 }]);
  expect([await ids('job'), await ids('log')]).toEqual([
    [4, 6],
    [40, 60],
  ]);
  await client.query(`commit prepared 'touched'`);
  await client.query(`rollback prepared 'deleted'`);
  const second = await runEngine(cluster.url(), JOBS_POLICY, { lockFirst: true });
  expect(second.passes).toMatchObject([{ deleted: { job: 1, log: 1 }, skipped: 0 }]);
  expect([await ids('job'), await ids('log')]).toEqual([[4], [40]]);
});
