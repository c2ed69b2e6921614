import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';

import type { Database } from '../../../../activities/ledger/database.ts';
import { openDatabase } from '../../../../activities/ledger/database.ts';
import type { VacuumBlockers } from '../../../../activities/stored/size.ts';
import type { Cluster } from '../../../support/postgres/cluster.ts';
import { startCluster } from '../../../support/postgres/cluster.ts';

describe('what holds vacuum back', () => {
  let cluster: Cluster;
  let database: Database;
  let client: Client;

  beforeAll(async () => {
    const settings = { wal_level: 'logical', max_prepared_transactions: '2' };
    cluster = await startCluster({ settings });
    database = await openDatabase(cluster.url());
    client = new Client({ connectionString: cluster.url(), application_name: 'the reports' });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.close();
    await cluster.destroy();
  });

  const readBlockers = async (): Promise<VacuumBlockers | undefined> =>
    database.session.sizes?.readVacuumBlockers();
  const find = async (kind: string): Promise<unknown> =>
    (await readBlockers())?.blockers.find((found) => found.kind === kind);

  test('is nothing on a quiet server, and never the one that asks', async () => {
    expect(await readBlockers()).toEqual({ blockers: [], hidden: false });
  });

  test('is the oldest transaction that has a snapshot, with its age and what ends it', async () => {
    await client.query('begin isolation level repeatable read');
    // Without a snapshot it holds nothing back.
    expect(await find('transaction')).toBeUndefined();
    await client.query('select 1');
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = rows[0]?.pid ?? 0;
    expect(await find('transaction')).toMatchObject({
      name: String(pid),
      detail: 'idle in transaction, role postgres, the reports',
      seconds: expect.any(Number),
      fix: expect.stringContaining(`pg_terminate_backend(${pid})`),
    });
    await client.query('rollback');
    expect(await find('transaction')).toBeUndefined();
  });

  test('is a prepared transaction that nobody finished', async () => {
    await client.query(
      `create table t (); begin; lock table t; insert into t default values; prepare transaction 'left'`,
    );
    expect(await find('prepared transaction')).toMatchObject({
      name: 'left',
      fix: "Finish it: commit prepared 'left'; or: rollback prepared 'left';",
    });
    await client.query(`rollback prepared 'left'`);
    expect(await find('prepared transaction')).toBeUndefined();
  });

  test('is a replication slot that nobody reads', async () => {
    await client.query(`select pg_create_logical_replication_slot('forgotten', 'pgoutput')`);
    expect(await find('replication slot')).toMatchObject({
      name: 'forgotten',
      detail: 'logical, not in use, holds back system catalogs only',
      fix: expect.stringContaining(`pg_drop_replication_slot('forgotten')`),
    });
    await client.query(`select pg_drop_replication_slot('forgotten')`);
  });
});
