import { fileURLToPath } from 'node:url';

import { endChild, hasEnded } from '../../../worker/child-process.ts';
import { freePort } from '../../../worker/dev-server.ts';
import type { OlderPrefectVersion } from '../parts/bring.ts';
import { olderPrefect } from '../parts/bring.ts';
import { waitFor } from '../wait.ts';
import { PrefectApi } from './api.ts';
import type { PrefectHome } from './home.ts';

const FLOWS = fileURLToPath(new URL('./flows.py', import.meta.url));

/** A Prefect server on a database. */
export interface PrefectServer {
  readonly api: PrefectApi;
  /** Runs `flows.py` against it, to its end. */
  runFlows(...args: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** What acts by the clock: it would end, mark or start runs that a test made old. */
const BY_THE_CLOCK = [
  'CANCELLATION_CLEANUP',
  'FOREMAN',
  'LATE_RUNS',
  'PAUSE_EXPIRATIONS',
  'REPOSSESSOR',
  'SCHEDULER',
  'TRIGGERS',
];

/** Brings a database to the schema of this Prefect, or of an older one, by its own migrations. */
export async function migratePrefect(
  home: PrefectHome,
  databaseUrl: string,
  older?: OlderPrefectVersion,
): Promise<void> {
  await home.run('python', ['-m', 'prefect', 'server', 'database', 'upgrade', '-y'], {
    ...serverSettings(databaseUrl),
    ...(older === undefined ? {} : { PYTHONPATH: olderPrefect(older).folder }),
  });
}

/** Starts a server and waits until it responds. Task runs of flows are recorded only if there are services. */
export async function startPrefectServer(
  home: PrefectHome,
  databaseUrl: string,
  options: { readonly services: boolean; readonly login?: string; readonly settings?: NodeJS.ProcessEnv },
): Promise<PrefectServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/api`;
  const args = ['server', 'start', '--host', '127.0.0.1', '--port', String(port)];
  if (!options.services) args.push('--no-services');
  const login = options.login === undefined ? {} : { PREFECT_SERVER_API_AUTH_STRING: options.login };
  const child = home.start('prefect', args, {
    ...serverSettings(databaseUrl),
    ...login,
    ...options.settings,
  });
  const api = new PrefectApi(url, options.login);
  const server: PrefectServer = {
    api,
    runFlows: async (...flowArgs) => home.run('python', [FLOWS, ...flowArgs], { PREFECT_API_URL: url }),
    stop: async () => endChild(child),
  };
  try {
    await waitFor('the Prefect server to respond', async () => {
      if (hasEnded(child)) throw new Error(`the Prefect server ended:\n${home.log}`);
      return api.responds();
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function serverSettings(databaseUrl: string): NodeJS.ProcessEnv {
  return {
    PREFECT_API_DATABASE_CONNECTION_URL: databaseUrl.replace(/^postgres(ql)?:/, 'postgresql+asyncpg:'),
    ...Object.fromEntries(BY_THE_CLOCK.map((name) => [`PREFECT_SERVER_SERVICES_${name}_ENABLED`, 'false'])),
  };
}
