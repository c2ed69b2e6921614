import { sql } from 'kysely';

import { ValidationError, sayWhat } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Database } from '../database/database.ts';
import { findOpenRun } from '../ledger/runs.ts';
import type { ResolvedPolicy } from '../plan/resolve.ts';
import { checkAgainst } from '../plan/resolve.ts';
import { examineBlocked } from './blocked.ts';
import type { Finding } from './finding.ts';
import { examineIndexes } from './indexes.ts';
import { examineSizes } from './sizes.ts';

/** The oldest PostgreSQL that is tested. TID range scans came with it. */
const LEAST_VERSION = 14;

/** Looks at a database as runs of a policy will: privileges, names, indexes, ledger. Changes nothing. */
export async function examineDatabase(database: Database, policy: Policy): Promise<Finding[]> {
  return [
    await examineServer(database),
    ...(await examinePolicy(database, policy)),
    await examineLedger(database),
    ...(await examineOpenRun(database, policy)),
    ...(await examineSizes(database, policy)),
    ...(await examineBlocked(database, policy)),
  ];
}

async function examineServer({ db }: Database): Promise<Finding> {
  const { rows } = await sql<{ version: number; role: string }>`
    select current_setting('server_version_num')::int / 10000 as version, current_user as role`.execute(db);
  const { version = 0, role = '' } = rows[0] ?? {};
  const about = 'connection';
  if (version >= LEAST_VERSION) return { about, state: 'ok', what: `PostgreSQL ${version} as role ${role}` };
  const what = `PostgreSQL ${version} is older than ${LEAST_VERSION}, the oldest that is tested`;
  return { about, state: 'problem', what, fix: 'Upgrade the server' };
}

async function examinePolicy({ db }: Database, policy: Policy): Promise<Finding[]> {
  const names = policy.passes.map((pass) => pass.name);
  let resolved: ResolvedPolicy;
  try {
    resolved = await checkAgainst(db, policy, names, 'execute');
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return error.issues.map((mistake) => {
      return {
        about: mistake.at,
        state: 'problem',
        what: sayWhat(mistake, true),
        fix: mistake.fix,
      };
    });
  }
  const passes: Finding = {
    about: 'policy',
    state: 'ok',
    what: `tables, columns and privileges of ${names.length} passes are there`,
  };
  return [passes, examineEnabled(policy), ...examineIndexes(resolved.passes, resolved.catalog)];
}

function examineEnabled({ name, enabled }: Policy): Finding {
  if (enabled) return { about: 'enabled', state: 'ok', what: `policy ${name} is enabled: its runs delete` };
  const what = `policy ${name} is not enabled: its runs end at once and delete nothing`;
  return { about: 'enabled', state: 'advice', what, fix: 'Enable it once a preview shows what you expect' };
}

async function examineLedger({ ledger }: Database): Promise<Finding> {
  const about = 'ledger';
  switch (await ledger.version()) {
    case 'current':
      return examineAccess(ledger.schema, await ledger.closedTables());
    case 'closed':
      return examineAccess(ledger.schema, ['its tables']);
    case 'missing':
      return examineMaking(ledger.schema, await ledger.mayCreate());
    case 'old':
      return {
        about,
        state: 'advice',
        what: `schema ${ledger.schema} is of an older version`,
        fix: 'The next worker upgrades it, or `temporal-vacuum ledger migrate`',
      };
    case 'newer':
      return {
        about,
        state: 'problem',
        what: `schema ${ledger.schema} is of a newer version than this program`,
        fix: 'Upgrade temporal-vacuum',
      };
  }
}

function examineAccess(schema: string, closed: readonly string[]): Finding {
  const about = 'ledger';
  if (closed.length === 0) return { about, state: 'ok', what: `schema ${schema} is current` };
  const what = `the role may not read and write ${closed.join(', ')} in schema ${schema}`;
  const fix = `grant usage on schema ${schema} to the role; grant select, insert, update, delete on all tables in schema ${schema} to the role;`;
  return { about, state: 'problem', what, fix };
}

/** A run that is open holds the lease: whoever wonders why runs are skipped finds it here. */
async function examineOpenRun({ ledger }: Database, policy: Policy): Promise<Finding[]> {
  if ((await ledger.version()) !== 'current') return [];
  const open = await findOpenRun(ledger, policy.name);
  if (open === undefined) return [];
  return [
    {
      about: 'open run',
      state: 'ok',
      what: `run ${open.id} of workflow ${open.workflowId} in Temporal ${open.temporal} is open since ${open.startedAt}; others are skipped meanwhile`,
      fix: `Where that Temporal is gone for ever, \`temporal-vacuum ledger close ${open.id}\` frees the policy`,
    },
  ];
}

function examineMaking(schema: string, may: boolean): Finding {
  const about = 'ledger';
  if (may) return { about, state: 'ok', what: `schema ${schema} is not there yet; the first run makes it` };
  const what = `schema ${schema} is not there, and the role may not make it`;
  const fix = 'Run `temporal-vacuum ledger migrate` once with the URL of a role that may';
  return { about, state: 'problem', what, fix };
}
