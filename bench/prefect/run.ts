import { Client } from 'pg';

import { prefect } from '../../policy/presets/prefect/index.ts';
import { onServer, makeUrl } from '../../test/support/database.ts';
import { bring, PREFECT } from '../../test/support/parts/bring.ts';
import type { Cluster } from '../../test/support/postgres/cluster.ts';
import type { DevServer } from '../../worker/dev-server.ts';
import { measureOurs } from '../contenders/ours.ts';
import { runPrefectVacuum } from '../contenders/prefect-vacuum.ts';
import { runStatements } from '../contenders/statements.ts';
import { median } from '../print.ts';
import type { Digests } from './digests.ts';
import { readDigests } from './digests.ts';
import { fillPrefectTemplate } from './fill.ts';
import type { ContenderName, PrefectMeasurement } from './measurement.ts';
import { plainStatements } from './plain.ts';
import { printPrefect } from './print.ts';
import type { PrefectSize } from './size.ts';

const CUT_OFFS = { runs: 30, events: 30, heartbeats: 7 };
/** The same cut-offs in the words of the preset. */
const SETTINGS = {
  retentionPeriod: `${CUT_OFFS.runs} days`,
  eventRetentionPeriod: `${CUT_OFFS.events} days`,
  eventRetentionOverrides: JSON.stringify({ 'prefect.flow-run.heartbeat': `${CUT_OFFS.heartbeats} days` }),
};
/** The passes that Prefect's own vacuum has, too. */
const SAME = new Set([
  'orphaned-logs',
  'orphaned-artifacts',
  'stale-artifact-collections',
  'old-flow-runs',
  'old-events',
]);

/**
 * Measures all contenders on one size, each on a fresh copy of the same database, and prints what they took. With several
 * rounds they take turns, and the middle one of each by time is printed.
 */
export async function runPrefect(
  { cluster, temporal }: { readonly cluster: Cluster; readonly temporal: DevServer },
  size: PrefectSize,
  { contenders, rounds }: { readonly contenders: readonly ContenderName[]; readonly rounds: number },
): Promise<void> {
  const missing = await bring(PREFECT);
  if (missing !== undefined) throw new Error(missing);
  const template = `bench_prefect_${size.name}`;
  const began = performance.now();
  process.stderr.write(`filling ${size.title}\n`);
  await fillPrefectTemplate(cluster, template, size);
  process.stderr.write(`filled in ${Math.round((performance.now() - began) / 1000)} s\n`);
  const measured: PrefectMeasurement[] = [];
  let before: Digests | undefined;
  let bytes = 0;
  const turns = Array.from({ length: rounds }, () => contenders).flat();
  for (const contender of turns) {
    process.stderr.write(`${contender}\n`);
    const name = `${template}_copy`;
    await onServer(cluster.url(), `create database ${name} template ${template} strategy file_copy`);
    await onServer(cluster.url(), 'checkpoint');
    const url = makeUrl(cluster.url(), name);
    const client = new Client(url);
    await client.connect();
    before ??= await readDigests(client);
    bytes ||= await readTableSize(client);
    const took = await TAKE[contender](url, temporal.address);
    process.stderr.write(`${took.seconds.toFixed(2)} s\n`);
    measured.push({ contender, ...took, left: await readDigests(client) });
    await client.end();
    await onServer(cluster.url(), `drop database ${name} with (force)`);
  }
  await onServer(cluster.url(), `drop database ${template}`);
  const middle = contenders.map((name) => median(measured.filter(({ contender }) => contender === name)));
  printPrefect({ size, bytes, before: before ?? {}, measured: middle });
}

type Take = (url: string, address: string) => Promise<Omit<PrefectMeasurement, 'contender' | 'left'>>;

const TAKE: Readonly<Record<ContenderName, Take>> = {
  ours: async (url, address) => {
    const passes = prefect(SETTINGS, {}).passes.map(({ name }) => name);
    return takeOurs(
      url,
      address,
      passes.filter((name) => SAME.has(name)),
    );
  },
  whole: async (url, address) => takeOurs(url, address),
  prefect: async (url) => {
    const { seconds, longestMillis } = await runPrefectVacuum(url, CUT_OFFS);
    const whole = Object.values(seconds).reduce((sum, one) => sum + one, 0);
    return { seconds: whole, longestMillis, passes: seconds };
  },
  plain: async (url) => runStatements(url, plainStatements(CUT_OFFS)),
};

async function takeOurs(url: string, address: string, passes?: readonly string[]): ReturnType<Take> {
  const input = passes === undefined ? {} : { passes };
  const measured = await measureOurs(url, { settings: SETTINGS, input, idle: false }, address);
  return { seconds: measured.seconds, longestMillis: measured.longestTransactionMillis };
}

async function readTableSize(client: Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    'select pg_database_size(current_database()) as bytes',
  );
  return Number(rows[0]?.bytes);
}
