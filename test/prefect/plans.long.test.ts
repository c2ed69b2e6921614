import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { TestDatabase } from '../support/database.ts';
import { onServer, openDatabase, makeUrl } from '../support/database.ts';
import { runEngine } from '../support/engine.ts';
import type { TableRead } from '../support/postgres/auto-explain.ts';
import { AUTO_EXPLAIN, plansIn, listReads } from '../support/postgres/auto-explain.ts';
import type { Cluster } from '../support/postgres/cluster.ts';
import { startCluster } from '../support/postgres/cluster.ts';
import { everyPass } from '../support/prefect/every-pass.ts';
import { fillEvents } from '../support/prefect/fill-events.ts';
import { fillPrefect } from '../support/prefect/fill.ts';
import { makeSchema } from '../support/prefect/schema.ts';

const MINUTES = 60_000;
const LARGE = 100_000;
const RUNS = {
  runs: 2_400,
  oldRuns: 1_500,
  logsPerRun: 44,
  tasksPerRun: 15,
  goneRuns: 300,
  logsPerGoneRun: 20,
};
const EVENTS = { old: 65_000, young: 40_000 };

let cluster: Cluster;
let database: TestDatabase;
/** Rows of each table that has over {@link LARGE} of them, before anything is deleted. */
let large: Map<string, number>;

beforeAll(async () => {
  cluster = await startCluster({ settings: AUTO_EXPLAIN });
  await onServer(cluster.url(), 'create database large');
  database = openDatabase(makeUrl(cluster.url(), 'large'));
  const client = await database.pool.connect();
  await client.query('set auto_explain.log_min_duration = -1');
  await makeSchema(client, async () => {
    await fillPrefect(client, RUNS);
    await fillEvents(client, EVENTS);
  });
  await client.query('vacuum analyze');
  client.release(true);
  const counts = await database.rows<{ name: string; rows: number }>(
    `select relname as name, reltuples::bigint as rows from pg_class where relkind = 'r' and reltuples > $1`,
    [LARGE],
  );
  large = new Map(counts.map(({ name, rows }) => [name, rows]));
  // A database that somebody is connected to cannot be copied.
  await database.drop();
  await onServer(cluster.url(), 'create database lock_first template large');
  database = openDatabase(makeUrl(cluster.url(), 'large'));
}, 3 * MINUTES);
afterAll(async () => {
  await database.drop();
  await cluster.destroy();
});

/** What is done, and each read of over half of a large table meanwhile, by any way and in one statement. */
async function readsDuring<T>(
  work: () => Promise<T>,
): Promise<{ done: T; seen: TableRead[]; whole: TableRead[] }> {
  const log = join(cluster.folder, 'log');
  const from = readFileSync(log).length;
  const done = await work();
  const seen = listReads(plansIn(readFileSync(log).subarray(from).toString('utf8')));
  const whole = seen.filter(({ table, rows }) => rows > (large.get(table) ?? Infinity) / 2);
  return { done, seen, whole };
}

test('a statement that reads a whole large table is seen, by whatever way it reads', async () => {
  expect([...large.keys()].toSorted()).toEqual(['event_resources', 'events', 'log', 'task_run_state']);
  const { whole } = await readsDuring(async () => {
    await database.rows(`select count(*) from log where message like '%nowhere%'`);
    await database.rows('set enable_seqscan = off; select count(*) from events where occurred < now()');
  });
  expect(whole.map(({ table }) => table)).toEqual(['log', 'events']);
});

test(
  'no statement of the preset reads a whole table of over 100,000 rows',
  async () => {
    const { done, seen, whole } = await readsDuring(async () => runEngine(database.url, everyPass()));
    expect(whole).toEqual([]);
    for (const table of large.keys()) {
      if (table === 'task_run_state') continue;
      expect(seen.some((read) => read.table === table)).toBe(true);
    }
    expect(done.rows).toBeGreaterThan(LARGE);
  },
  3 * MINUTES,
);

test(
  'nor do batches that lock first',
  async () => {
    const url = makeUrl(cluster.url(), 'lock_first');
    const { done, whole } = await readsDuring(async () => runEngine(url, everyPass(), { lockFirst: true }));
    expect(whole).toEqual([]);
    expect(done.rows).toBeGreaterThan(LARGE);
  },
  3 * MINUTES,
);

test('nor does a run right after, which finds hardly anything', async () => {
  const { done, whole } = await readsDuring(async () => runEngine(database.url, everyPass()));
  expect(whole).toEqual([]);
  expect(done.rows).toBeLessThan(1_000);
});
