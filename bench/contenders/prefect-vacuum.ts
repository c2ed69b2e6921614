import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { PREFECT } from '../../test/support/parts/bring.ts';

const PROGRAM = fileURLToPath(new URL('./prefect-vacuum.py', import.meta.url));

/** The cut-offs of a measurement, in days. */
export interface CutOffs {
  readonly runs: number;
  readonly events: number;
  readonly heartbeats: number;
}

/** What Prefect's own functions took, pass by pass. */
export interface PrefectVacuum {
  readonly seconds: Readonly<Record<string, number>>;
  readonly longestMillis: number;
}

/** Calls the pinned package's own functions in its default batches of 200; starting Python is not counted. */
export async function runPrefectVacuum(
  url: string,
  { runs, events, heartbeats }: CutOffs,
): Promise<PrefectVacuum> {
  const home = mkdtempSync(join(tmpdir(), 'temporal-vacuum-prefect-'));
  const day = 86_400;
  try {
    const { stdout } = await promisify(execFile)(join(dirname(PREFECT.path), 'python'), [PROGRAM], {
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        PREFECT_HOME: home,
        PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
        PREFECT_API_DATABASE_CONNECTION_URL: url.replace(/^postgres(ql)?:/, 'postgresql+asyncpg:'),
        PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED: 'events,flow_runs',
        PREFECT_SERVER_SERVICES_DB_VACUUM_BATCH_SIZE: '200',
        PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD: String(runs * day),
        PREFECT_SERVER_EVENTS_RETENTION_PERIOD: `P${events}D`,
        PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES: JSON.stringify({
          'prefect.flow-run.heartbeat': heartbeats * day,
        }),
      },
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as PrefectVacuum;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
