import { Client } from 'pg';

import { onServer } from '../../test/support/database.ts';
import type { Cluster } from '../../test/support/postgres/cluster.ts';
import { PrefectHome } from '../../test/support/prefect/home.ts';
import { migratePrefect } from '../../test/support/prefect/server.ts';
import { fillEvents } from './fill-events.ts';
import { fillHanging } from './fill-hanging.ts';
import { fillRuns } from './fill-runs.ts';
import { planRows } from './plan-rows.ts';
import { withoutIndexes } from './schema.ts';
import type { PrefectSize } from './size.ts';

/** Rows in the order in which they were drawn up, keys as they were drawn up, and memory to sort in. */
const WHILE_FILLING = `
  set session_replication_role = replica;
  set synchronize_seqscans = off;
  set max_parallel_workers_per_gather = 0;
  set synchronous_commit = off;
  set work_mem = '256MB';
  set jit = off`;

/** Makes a database by Prefect's own migrations and fills it: a template, since nobody stays connected. */
export async function fillPrefectTemplate(cluster: Cluster, name: string, size: PrefectSize): Promise<void> {
  await onServer(cluster.url(), `create database ${name}`);
  const home = new PrefectHome();
  await migratePrefect(home, cluster.url(name));
  home.remove();
  const connect = async (): Promise<Client> => {
    const client = new Client(cluster.url(name));
    await client.connect();
    await client.query(WHILE_FILLING);
    return client;
  };
  const [runs, events] = [await connect(), await connect()];
  try {
    await withoutIndexes(runs, connect, async () => {
      await planRows(runs, size.runs);
      await Promise.all([fillRuns(runs).then(async () => fillHanging(runs, size.runs)), fillEvents(events)]);
    });
    await runs.query('drop schema fill cascade');
    await runs.query('vacuum (analyze, freeze)');
  } finally {
    await Promise.all([runs.end(), events.end()]);
  }
}
