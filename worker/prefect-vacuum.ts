import type { Finding } from '../activities/inspect/finding.ts';
import { EnabledSchema } from '../policy/presets/prefect/enabled.ts';

const ABOUT = "Prefect's own vacuum";
const ENABLED = 'PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED';
const TIMEOUT_MILLIS = 5_000;

/**
 * Checks whether Prefect's own vacuum deletes flow runs too. Asks the server if `PREFECT_API_URL` names it. Otherwise it
 * reads the variable of this machine, which a server elsewhere may not have.
 */
export async function examinePrefectVacuum(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Finding[]> {
  const api = environment['PREFECT_API_URL'];
  const setting = api === undefined || api === '' ? undefined : await readServerSetting(api);
  if (setting !== undefined) return [judge(setting, 'the server says')];
  const variable = environment[ENABLED];
  if (variable !== undefined)
    return [judge(variable, `a Prefect server with this environment has ${ENABLED}`)];
  return [
    {
      about: ABOUT,
      state: 'ok',
      what: 'not known to be on; set PREFECT_API_URL to have the server asked',
    },
  ];
}

function judge(enabled: unknown, who: string): Finding {
  const text = JSON.stringify(enabled);
  const parts = EnabledSchema.safeParse(enabled).data;
  if (parts?.has('flow_runs') !== true && parts?.has('orphans') !== true) {
    return { about: ABOUT, state: 'ok', what: `${who} ${text}` };
  }
  return {
    about: ABOUT,
    state: 'advice',
    what: `${who} ${text}: it deletes the same rows, in batches of 200, and the two wait for each other`,
    fix: `Set ${ENABLED}=events on the Prefect server, and enable this policy by --set enabled=true or a configuration file`,
  };
}

async function readServerSetting(api: string): Promise<unknown> {
  try {
    const response = await fetch(`${api.replace(/\/$/, '')}/admin/settings`, {
      signal: AbortSignal.timeout(TIMEOUT_MILLIS),
    });
    if (!response.ok) return undefined;
    const settings = (await response.json()) as {
      server?: { services?: { db_vacuum?: { enabled?: unknown } } };
    };
    return settings.server?.services?.db_vacuum?.enabled;
  } catch {
    return undefined;
  }
}
