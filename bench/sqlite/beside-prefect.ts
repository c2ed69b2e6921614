import { copyFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { prefect } from '../../policy/presets/prefect/policy.ts';
import { runEngine } from '../../test/support/engine.ts';
import { bring, PREFECT } from '../../test/support/parts/bring.ts';
import { insertPrefectRows } from '../../test/support/prefect/fill-file.ts';
import { PrefectHome } from '../../test/support/prefect/home.ts';
import { migratePrefect, startPrefectServer } from '../../test/support/prefect/server.ts';
import { openFile } from '../../test/support/sqlite.ts';
import { printTable } from '../../worker/cli/output.ts';
import { runPrefectVacuum } from '../contenders/prefect-vacuum.ts';

const PASSES = ['orphaned-logs'];

/** What clients of a Prefect server notice of whoever cleans its file. */
interface Figures {
  readonly what: string;
  readonly clients: number;
  readonly seconds: number;
  readonly deleted: number;
  readonly created: number;
  readonly failed: number;
  /** The longest request, in milliseconds. */
  readonly longest: number;
  readonly load: number;
}

/** Which share of "create flow run" fails while logs without a run are deleted, beside the same without a vacuum. */
export async function runBesidePrefect(
  logs: number,
  baselineSeconds: number,
  manyClients: readonly number[] = [1, 4],
): Promise<void> {
  const missing = await bring(PREFECT);
  if (missing !== undefined) throw new Error(missing);
  const home = new PrefectHome();
  const template = join(home.folder, 'template.db');
  const figures: Figures[] = [];
  try {
    process.stderr.write(`Prefect's migrations and ${logs} logs without a run\n`);
    await migratePrefect(home, toUrl(template));
    fill(template, logs);
    for (const clients of manyClients) {
      const measure = async (what: string, work: (url: string) => Promise<unknown>): Promise<void> => {
        process.stderr.write(`${what}, clients: ${clients}\n`);
        figures.push(await measureOne(home, template, clients, what, work));
      };
      const rest = async (): Promise<void> => sleep(baselineSeconds * 1000);
      await measure('no vacuum', rest);
      await measure('ours', async (path) =>
        runEngine(`sqlite:///${path}`, prefect({ enabled: true }), { passes: PASSES }),
      );
      await measure('no vacuum', rest);
      await measure("Prefect's own", async (path) =>
        runPrefectVacuum(toUrl(path), { runs: 90, events: 7, heartbeats: 7 }),
      );
    }
  } finally {
    home.remove();
  }
  process.stdout.write(
    `\nBeside a Prefect server on SQLite: ${logs} logs without a run, and clients that create flow runs\n\n`,
  );
  printTable(
    ['', 'clients', 'rows/s', 'requests', 'failed', 'longest request', 'load'],
    figures.map(({ what, clients, seconds, deleted, created, failed, longest, load }) => [
      what,
      clients,
      deleted === 0 ? '' : Math.round(deleted / seconds).toLocaleString('en'),
      created + failed,
      `${((100 * failed) / Math.max(1, created + failed)).toFixed(1)} %`,
      `${Math.round(longest)} ms`,
      load.toFixed(1),
    ]),
  );
}

function toUrl(path: string): string {
  return `sqlite+aiosqlite:///${path}`;
}

function fill(path: string, logs: number): void {
  const file = openFile(path);
  insertPrefectRows(file, {
    runs: 200,
    oldRuns: 0,
    logsPerRun: 5,
    tasksPerRun: 1,
    goneRuns: logs / 50,
    logsPerGoneRun: 50,
  });
  file.execute('pragma wal_checkpoint(truncate)');
  file.drop();
}

async function measureOne(
  home: PrefectHome,
  template: string,
  clients: number,
  what: string,
  work: (path: string) => Promise<unknown>,
): Promise<Figures> {
  const path = join(home.folder, `${what.replaceAll(/\W/g, '')}-${clients}-${Date.now()}.db`);
  copyFileSync(template, path);
  const server = await startPrefectServer(home, toUrl(path), { services: false });
  const file = openFile(path);
  const counted = { created: 0, failed: 0, longest: 0 };
  const end = new AbortController();
  try {
    const { id } = await server.api.post<{ id: string }>('/flows/', { name: 'made' });
    const making = Array.from({ length: clients }, async () =>
      keepCreating(server.api.url, id, counted, end.signal),
    );
    const before = file.value('select count(*) from log');
    const started = performance.now();
    // Prefect's own vacuum may meet a lock and end early: that is a figure, too.
    const ended = await work(path).then(
      () => what,
      () => `${what}, which failed`,
    );
    const seconds = (performance.now() - started) / 1000;
    end.abort();
    await Promise.all(making);
    const deleted = before - file.value('select count(*) from log');
    return { what: ended, clients, seconds, deleted, ...counted, load: loadavg()[0] ?? 0 };
  } finally {
    end.abort();
    file.drop();
    await server.stop();
  }
}

/** Creates flow runs one after the other. Nothing is tried again, so that each failure counts. */
async function keepCreating(
  url: string,
  flow: string,
  counted: { created: number; failed: number; longest: number },
  end: AbortSignal,
): Promise<void> {
  while (!end.aborted) {
    const started = performance.now();
    const response = await fetch(`${url}/flow_runs/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ flow_id: flow, name: 'made', state: { type: 'PENDING' } }),
    }).catch(() => undefined);
    await response?.arrayBuffer().catch(() => undefined);
    if (response?.ok === true) counted.created += 1;
    else counted.failed += 1;
    counted.longest = Math.max(counted.longest, performance.now() - started);
  }
}
