import { parseArgs } from 'node:util';

import { Client } from 'pg';

import { onServer, makeUrl } from '../test/support/database.ts';
import { bring, find, STOCK_POSTGRESQL, TEMPORAL } from '../test/support/parts/bring.ts';
import type { Cluster } from '../test/support/postgres/cluster.ts';
import { startCluster } from '../test/support/postgres/cluster.ts';
import { programsIn } from '../test/support/postgres/programs.ts';
import { makeSchema } from '../test/support/prefect/schema.ts';
import type { DevServer } from '../worker/dev-server.ts';
import { startDevServer } from '../worker/dev-server.ts';
import type { BenchCase } from './bench-case.ts';
import { oldFlowRuns } from './cases/old-flow-runs.ts';
import { orphanedLogs } from './cases/orphaned-logs.ts';
import { measureLoop } from './contenders/loop.ts';
import { measureOurs } from './contenders/ours.ts';
import { measurePlain } from './contenders/plain.ts';
import { runFiles } from './files/run.ts';
import { runKeepLast } from './keep-last/run.ts';
import type { Measurement } from './measure.ts';
import { CONTENDERS } from './prefect/measurement.ts';
import { runPrefect } from './prefect/run.ts';
import type { PrefectSize } from './prefect/size.ts';
import { SIZES } from './prefect/size.ts';
import { median, printGoals, printMeasurements } from './print.ts';
import { runBesidePrefect } from './sqlite/beside-prefect.ts';
import { runSqlite } from './sqlite/run.ts';

const CASES: readonly BenchCase[] = [orphanedLogs, oldFlowRuns];

/** Has tables and a policy of its own. */
const KEEP_LAST = 'keep-last';

/** The server as somebody sets it up who has millions of rows; all contenders have the same. */
const SETTINGS = { shared_buffers: '1GB', max_wal_size: '4GB', autovacuum: 'off' };

const USAGE = `npm run bench -- [--case NAME] [--scale 1] [--repeat 3] [--loop-seconds 60]
cases: ${[...CASES.map(({ name }) => name), KEEP_LAST].join(', ')}; --smoke is --scale 0.001 --repeat 1 --loop-seconds 1

npm run bench -- prefect [--size small|large] [--only ${CONTENDERS.join(',')}] [--repeat 1] [--stock]
a whole Prefect database, in both sizes, against Prefect's own vacuum; --smoke is one that is tiny; --stock measures on
Debian's PostgreSQL 15 with its default settings

npm run bench -- files [--count 100000]
files with a row each, in memory and on the disk

npm run bench -- sqlite [--count 100000]
half of the rows of a SQLite file, alone and beside an application that writes; and logs of a Prefect server on SQLite,
beside one and four clients that create flow runs`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      case: { type: 'string' },
      scale: { type: 'string', default: '1' },
      repeat: { type: 'string' },
      stock: { type: 'boolean', default: false },
      'loop-seconds': { type: 'string', default: '60' },
      size: { type: 'string' },
      count: { type: 'string', default: '100000' },
      only: { type: 'string', default: CONTENDERS.join(',') },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (positionals[0] === 'sqlite') {
    const count = Number(values.count);
    await runSqlite(values.smoke ? 2000 : count);
    await (values.smoke ? runBesidePrefect(500, 1, [1]) : runBesidePrefect(count, 15));
    return;
  }
  const onPrefect = positionals[0] === 'prefect';
  const onFiles = positionals[0] === 'files';
  const isAsked = (name: string) =>
    !onPrefect && !onFiles && (values.case === undefined || values.case === name);
  const cases = CASES.filter(({ name }) => isAsked(name));
  const keepLast = isAsked(KEEP_LAST);
  const sizes = onFiles ? [] : listSizes(values, onPrefect);
  const files = onFiles || (values.smoke && !onPrefect && values.case === undefined);
  const only = values.only.split(',');
  const contenders = CONTENDERS.filter((name) => only.includes(name));
  const understood = contenders.length === only.length && (positionals.length === 0 || onPrefect || onFiles);
  if (values.help || !understood || (cases.length + sizes.length === 0 && !files && !keepLast)) {
    process.stdout.write(`${USAGE}\n`);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const scale = values.smoke ? 0.001 : Number(values.scale);
  const repeat = values.smoke ? 1 : Number(values.repeat ?? (onPrefect ? 1 : 3));
  const loopSeconds = values.smoke ? 1 : Number(values['loop-seconds']);
  for (const part of values.stock ? [TEMPORAL, STOCK_POSTGRESQL] : [TEMPORAL]) {
    const missing = await bring(part);
    if (missing !== undefined) throw new Error(missing);
  }
  const cluster = await startCluster({
    durable: true,
    ...(values.stock ? { programs: programsIn(STOCK_POSTGRESQL.folder) } : { settings: SETTINGS }),
  });
  const temporal = await startDevServer({ program: find(TEMPORAL) });
  try {
    for (const bench of cases) await runCase(bench, { cluster, temporal, scale, repeat, loopSeconds });
    if (keepLast) await runKeepLast({ cluster, temporal }, scale);
    if (files) await runFiles({ cluster, temporal }, values.smoke ? 200 : Number(values.count));
    for (const size of sizes) await runPrefect({ cluster, temporal }, size, { contenders, rounds: repeat });
  } finally {
    await temporal.stop();
    await cluster.destroy();
  }
}

/** The sizes of Prefect's database to measure on; with `--smoke` and no case, also where nobody asked for Prefect. */
function listSizes(
  values: { readonly case?: string | undefined; readonly size?: string | undefined; readonly smoke: boolean },
  onPrefect: boolean,
): PrefectSize[] {
  if (values.smoke) return onPrefect || values.case === undefined ? [SIZES.smoke] : [];
  if (!onPrefect) return [];
  return [SIZES.small, SIZES.large].filter(({ name }) => values.size === undefined || values.size === name);
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
    return await work(makeUrl(cluster.url(), name));
  } finally {
    await onServer(cluster.url(), `drop database ${name} with (force)`);
  }
}

await main();
