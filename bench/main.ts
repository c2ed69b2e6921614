import { parseArgs } from 'node:util';

import { Client } from 'pg';

import { onServer, urlOf } from '../test/support/database.ts';
import { bring, find, TEMPORAL } from '../test/support/parts/bring.ts';
import type { Cluster } from '../test/support/postgres/cluster.ts';
import { startCluster } from '../test/support/postgres/cluster.ts';
import { makeSchema } from '../test/support/prefect/schema.ts';
import type { DevServer } from '../worker/dev-server.ts';
import { startDevServer } from '../worker/dev-server.ts';
import type { BenchCase } from './bench-case.ts';
import { oldFlowRuns } from './cases/old-flow-runs.ts';
import { orphanedLogs } from './cases/orphaned-logs.ts';
import { measureLoop } from './contenders/loop.ts';
import { measureOurs } from './contenders/ours.ts';
import { measurePlain } from './contenders/plain.ts';
import type { Measurement } from './measure.ts';
import { median, printGoals, printMeasurements } from './print.ts';

const CASES: readonly BenchCase[] = [orphanedLogs, oldFlowRuns];

/** The server as somebody sets it up who has millions of rows; all contenders have the same. */
const SETTINGS = { shared_buffers: '1GB', max_wal_size: '4GB', autovacuum: 'off' };

const USAGE = `npm run bench -- [--case NAME] [--scale 1] [--repeat 3] [--loop-seconds 60]
cases: ${CASES.map(({ name }) => name).join(', ')}; --smoke is --scale 0.001 --repeat 1 --loop-seconds 1`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      case: { type: 'string' },
      scale: { type: 'string', default: '1' },
      repeat: { type: 'string', default: '3' },
      'loop-seconds': { type: 'string', default: '60' },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const cases = CASES.filter(({ name }) => values.case === undefined || values.case === name);
  if (values.help || cases.length === 0) {
    process.stdout.write(`${USAGE}\n`);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const scale = values.smoke ? 0.001 : Number(values.scale);
  const repeat = values.smoke ? 1 : Number(values.repeat);
  const loopSeconds = values.smoke ? 1 : Number(values['loop-seconds']);
  const missing = await bring(TEMPORAL);
  if (missing !== undefined) throw new Error(missing);
  const cluster = await startCluster({ durable: true, settings: SETTINGS });
  const temporal = await startDevServer({ program: find(TEMPORAL) });
  try {
    for (const bench of cases) await runCase(bench, { cluster, temporal, scale, repeat, loopSeconds });
  } finally {
    await temporal.stop();
    await cluster.destroy();
  }
}

interface Stage {
  readonly cluster: Cluster;
  readonly temporal: DevServer;
  readonly scale: number;
  readonly repeat: number;
  readonly loopSeconds: number;
}

async function runCase(bench: BenchCase, stage: Stage): Promise<void> {
  const { cluster, temporal, scale, repeat, loopSeconds } = stage;
  const template = `bench_${bench.name.replaceAll('-', '_')}`;
  process.stderr.write(`filling ${bench.title}, scale ${scale}\n`);
  await fillTemplate(cluster, template, bench, scale);
  const ours: Measurement[] = [];
  const plain: Measurement[] = [];
  for (let n = 1; n <= repeat; n += 1) {
    process.stderr.write(`round ${n} of ${repeat}\n`);
    // Taking turns, so that what the machine does beside hits both.
    ours.push(await onCopy(cluster, template, async (url) => measureOurs(url, bench, temporal.address)));
    plain.push(await onCopy(cluster, template, async (url) => measurePlain(url, bench)));
  }
  const loops: Measurement[] = [];
  for (const [name, loop] of Object.entries(bench.loops)) {
    process.stderr.write(`${name}, for at most ${loopSeconds} s\n`);
    loops.push(await onCopy(cluster, template, async (url) => measureLoop(url, name, loop, loopSeconds)));
  }
  printMeasurements(`${bench.title} (scale ${scale}, median of ${repeat})`, [
    median(ours),
    median(plain),
    ...loops,
  ]);
  if (scale === 1) printGoals(median(ours), median(plain), loops);
  else process.stdout.write('\nThe goals are for scale 1.\n');
  await onServer(cluster.url(), `drop database ${template}`);
}

async function fillTemplate(cluster: Cluster, name: string, bench: BenchCase, scale: number): Promise<void> {
  await onServer(cluster.url(), `create database ${name}`);
  const client = new Client(cluster.url(name));
  await client.connect();
  await makeSchema(client, async () => bench.insertRows(client, scale));
  await client.query('vacuum analyze');
  await client.end();
}

/** Every contender begins with a fresh copy, its pages on the disk. */
async function onCopy<T>(cluster: Cluster, template: string, work: (url: string) => Promise<T>): Promise<T> {
  const name = `${template}_copy`;
  await onServer(cluster.url(), `create database ${name} template ${template} strategy file_copy`);
  await onServer(cluster.url(), 'checkpoint');
  try {
    return await work(urlOf(cluster.url(), name));
  } finally {
    await onServer(cluster.url(), `drop database ${name} with (force)`);
  }
}

await main();
