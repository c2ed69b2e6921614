import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';

import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import type { Finding } from '../../../activities/inspect/finding.ts';
import type { Database } from '../../../activities/ledger/database.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { cli } from '../../support/cli.ts';
import { thingPolicy } from '../../support/guarded.ts';
import type { Cluster } from '../../support/postgres/cluster.ts';
import { startCluster } from '../../support/postgres/cluster.ts';
import { waitFor } from '../../support/wait.ts';

let cluster: Cluster;
let publisher: Client;
let subscriber: Client;

beforeAll(async () => {
  cluster = await startCluster({ settings: { wal_level: 'logical' } });
  const admin = await connect('postgres');
  await admin.query('create database published');
  await admin.query('create database subscribed');
  await admin.end();
  publisher = await connect('published');
  subscriber = await connect('subscribed');
  for (const one of [publisher, subscriber])
    await one.query('create table thing (id bigint primary key, state text, at timestamptz)');
});
afterAll(async () => {
  await subscriber.query(
    'alter subscription s disable; alter subscription s set (slot_name = none); drop subscription s',
  );
  await publisher.end();
  await subscriber.end();
  await cluster.destroy();
});

async function connect(database: string): Promise<Client> {
  const client = new Client({ connectionString: cluster.url(database) });
  await client.connect();
  return client;
}

async function withDatabase<T>(name: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(cluster.url(name));
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

const countThings = async (): Promise<number> =>
  (await subscriber.query<{ count: number }>('select count(*)::int as count from thing')).rows[0]?.count ?? 0;

test('a publication of all tables is told by the doctor, and a subscriber without the ledger stops until it has one', async () => {
  const findPublications = async (): Promise<Finding[]> =>
    withDatabase('published', async (database) =>
      (await examineDatabase(database, thingPolicy())).filter(({ what }) => what.includes('publication ')),
    );
  await publisher.query('create publication one_table for table thing');
  expect(await findPublications()).toEqual([]);
  await publisher.query('create publication everything for all tables');
  expect(await findPublications()).toMatchObject([
    {
      about: 'settings',
      state: 'advice',
      what: expect.stringMatching(/^publication everything has all tables/),
    },
  ]);

  // Within one server the command that subscribes would wait for itself to make the slot.
  await publisher.query(`select pg_create_logical_replication_slot('s', 'pgoutput')`);
  await subscriber.query(`create subscription s connection '${cluster.url('published')}' publication everything
    with (create_slot = false, slot_name = 's', copy_data = false)`);
  await publisher.query(`insert into thing values (1, 'done', now())`);
  await waitFor('a row to arrive', async () => (await countThings()) === 1);

  await withDatabase('published', async ({ ledger }) => ledger.migrate());
  await publisher.query(`insert into thing values (2, 'done', now())`);
  await waitFor('the subscriber to stop', async () =>
    /relation "vacuum\.\w+" does not exist/.test(cluster.log),
  );
  expect(await countThings()).toBe(1);

  const told = await cli(['ledger', 'migrate', '--url', cluster.url('subscribed')]);
  expect(told.stderr).not.toContain('publication');
  await waitFor('the next row to arrive', async () => (await countThings()) === 2);
});

test('a publication of the schema of the ledger is told by the command that creates the ledger, and by the doctor', async () => {
  const admin = await connect('postgres');
  for (const name of ['schema_made', 'schema_run']) {
    await admin.query(`create database ${name}`);
    const client = await connect(name);
    await client.query(`
      create table thing (id bigint primary key, state text, at timestamptz);
      create schema vacuum;
      create publication own for tables in schema vacuum;
      create publication other for tables in schema public`);
    await client.end();
  }
  await admin.end();
  const what = 'publication own has all tables of schema vacuum, so the ledger too';
  const made = await cli(['ledger', 'migrate', '--url', cluster.url('schema_made')]);
  expect(made.stderr).toContain(what);
  expect(made.stderr).not.toContain('publication other');
  const again = await cli(['ledger', 'migrate', '--url', cluster.url('schema_made')]);
  expect(again.stderr).not.toContain(what);
  await withDatabase('schema_run', async (database) => {
    const findings = await examineDatabase(database, thingPolicy());
    expect(findings.filter((one) => one.what.includes('publication '))).toMatchObject([
      { what: expect.stringContaining(what) },
    ]);
  });
});
