import { countNouns } from '../../policy/count-nouns.ts';
import { describeDisabled } from '../../policy/describe-disabled.ts';
import { formatDuration } from '../../policy/duration.ts';
import { formatInstant } from '../../policy/format-instant.ts';
import { ValidationError, describeIssue } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Advice } from '../dialect/advice.ts';
import type { LedgerVersion } from '../dialect/ledger-store.ts';
import { formatSchemas, listSchemas } from '../dialect/table-names.ts';
import type { Database } from '../ledger/database.ts';
import type { EndedRun } from '../ledger/last-runs.ts';
import { readLastRuns } from '../ledger/last-runs.ts';
import { findKind } from '../passes/index.ts';
import { findConnectionIssues } from '../plan/connection-issues.ts';
import { findLeft } from '../plan/find-left.ts';
import type { LeftDependent } from '../plan/find-left.ts';
import type { ResolvedPolicy } from '../plan/resolve-policy.ts';
import { checkAgainst } from '../plan/resolve-policy.ts';
import type { ResolvedPass } from '../plan/resolved-pass.ts';
import type { StoredBlocker } from '../stored/row-tree.ts';
import type { RunStatus } from '../stored/run.ts';
import { examineIndexes } from './doctor-indexes.ts';
import { examineSizes } from './doctor-sizes.ts';
import { examineUndated } from './doctor-undated.ts';
import type { Finding } from './finding.ts';

/** Looks at a database as runs of a policy will: privileges, names, indexes, ledger. Changes nothing. */
export async function examineDatabase(database: Database, policy: Policy): Promise<Finding[]> {
  const unsupported = await database.session.facts.findUnsupported();
  if (unsupported !== undefined) return [{ about: 'connection', state: 'problem', ...unsupported }];
  const version = await database.ledger.version();
  const ledger = await examineLedger(database, version);
  const isCurrent = version === 'current';
  return [
    ...(await examineServer(database)),
    ...(await examinePolicy(database, policy)),
    examineEnabled(policy, isCurrent ? await readCompleted(database, policy) : null),
    ...(await examineConnection(database, policy)),
    ledger,
    ...(await examineUndated(database, policy)),
    ...(isCurrent ? await examineLastRun(database, policy) : []),
    ...(isCurrent ? await examineOpenRun(database, policy) : []),
    ...(await examineSizes(database, policy)),
    ...(isCurrent ? await examineBlocked(database, policy) : []),
  ];
}

async function examineServer({ session }: Database): Promise<Finding[]> {
  const { product, role, tooOld, advice } = await session.facts.readServer();
  const about = 'connection';
  const settings = advice.map(({ what, fix }): Finding => ({
    about: 'settings',
    state: 'advice',
    what,
    fix,
  }));
  if (tooOld === null) return [{ about, state: 'ok', what: `${product} as role ${role}` }, ...settings];
  const what = `${product} is older than ${tooOld}, the oldest that is tested`;
  return [{ about, state: 'problem', what, fix: 'Upgrade the server' }, ...settings];
}

async function examineConnection({ session }: Database, policy: Policy): Promise<Finding[]> {
  const names = policy.passes.map((pass) => pass.name);
  const issues = await findConnectionIssues(session, policy, names);
  return issues.map(({ at, what, fix }) => ({ about: at, state: 'problem', what, fix }));
}

async function examinePolicy({ session }: Database, policy: Policy): Promise<Finding[]> {
  const names = policy.passes.map((pass) => pass.name);
  let resolved: ResolvedPolicy;
  try {
    resolved = await checkAgainst(session, policy, names, 'execute');
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return error.issues.map((issue) => {
      return { about: issue.at, state: 'problem', what: describeIssue(issue, true), fix: issue.fix };
    });
  }
  const schemas = listSchemas(resolved.passes.map(({ stored }) => stored));
  const where = schemas.length === 0 ? '' : `, in ${formatSchemas(schemas)}`;
  const what = `tables, columns and privileges of ${countNouns(names.length, 'pass')} are there${where}`;
  const passes: Finding = { about: 'policy', state: 'ok', what };
  return [
    passes,
    ...examineIndexes(resolved.passes, resolved.catalog, session.advice),
    ...examineBlockers(resolved.passes),
    ...findLeft(policy, resolved.passes, resolved.catalog, resolved.entities).map(toAdvice),
  ];
}

function toAdvice({ pass, what, fix }: LeftDependent): Finding {
  return { about: `pass ${pass}`, state: 'advice', what, fix };
}

/** The worker decides, and may have other settings than this command: a run that completed was one of an enabled policy. */
function examineEnabled({ name, enabled }: Policy, completed: EndedRun | null): Finding {
  const about = 'enabled';
  if (enabled) return { about, state: 'ok', what: `policy ${name} is enabled: its runs delete` };
  const by = 'by the settings of this command';
  if (completed === null) return { about, state: 'advice', what: `${by}, ${describeDisabled({ name })}` };
  return {
    about,
    state: 'advice',
    what: `${by} policy ${name} is not enabled, but ${describeEnd(completed)}: its worker had other settings`,
    fix: 'Check with those of the worker: type the same --set, --config and environment for doctor, such as `--set enabled=true`',
  };
}

async function readCompleted({ ledger }: Database, { name }: Policy): Promise<EndedRun | null> {
  const [runs] = await readLastRuns(ledger, [name]);
  return runs?.completed ?? null;
}

async function examineLedger({ ledger }: Database, version: LedgerVersion): Promise<Finding> {
  const about = 'ledger';
  const { schema, session } = ledger;
  switch (version) {
    case 'current':
      return examineAccess(schema, session.advice, await session.ledger.tables.findClosed());
    case 'closed':
      return examineAccess(schema, session.advice, ['its tables']);
    case 'missing': {
      if (await session.ledger.tables.canCreate())
        return { about, state: 'ok', what: `schema ${schema} is not there yet; the first run makes it` };
      const what = `schema ${schema} is not there, and the role may not make it`;
      const fix = 'Run `temporal-vacuum ledger migrate` once with the URL of a role that may';
      return { about, state: 'problem', what, fix };
    }
    case 'old': {
      const what = `schema ${schema} is of an older version`;
      const fix = 'The next worker upgrades it, or `temporal-vacuum ledger migrate`';
      return { about, state: 'advice', what, fix };
    }
    case 'newer': {
      const what = `schema ${schema} is of a newer version than this program`;
      return { about, state: 'problem', what, fix: 'Upgrade temporal-vacuum' };
    }
  }
}

function examineAccess(schema: string, advice: Advice, closed: readonly string[]): Finding {
  const about = 'ledger';
  if (closed.length === 0) return { about, state: 'ok', what: `schema ${schema} is current` };
  const what = `the role may not read and write ${closed.join(', ')} in schema ${schema}`;
  return { about, state: 'problem', what, fix: advice.suggestGrants(schema) };
}

/** An open run holds the lease: whoever wonders why runs are skipped finds it here. */
async function examineOpenRun({ session }: Database, policy: Policy): Promise<Finding[]> {
  const open = await session.ledger.runs.findOpen(policy.name);
  if (open === undefined) return [];
  return [
    {
      about: 'open run',
      state: 'ok',
      what: `run ${open.id} of workflow ${open.workflowId} in Temporal ${open.temporal} is open since ${open.startedAt}; others are skipped meanwhile`,
      fix: `If that Temporal will never start again, \`temporal-vacuum ledger close ${open.id}\` frees the policy`,
    },
  ];
}

/** A policy that guards have blocked: whoever wonders why no run starts finds it here. */
async function examineBlocked({ session }: Database, { name }: Policy): Promise<Finding[]> {
  const state = await session.ledger.guards.read(name);
  if (state === undefined || state.blocked === null) return [];
  return [
    {
      about: 'guards',
      state: 'problem',
      what: `policy ${name} is blocked${state.blockedAt === null ? '' : ` since ${formatInstant(state.blockedAt)}`}: ${state.blocked.join('; ')}`,
      fix: `Make sure that this is the database to clean, then \`temporal-vacuum acknowledge ${name}\``,
    },
  ];
}

/**
 * Foreign keys that keep rows which a pass would delete: whoever wonders before the first run why rows will stay finds them
 * here. How many stay, the preview counts.
 */
function examineBlockers(passes: readonly ResolvedPass[]): Finding[] {
  return passes.flatMap(({ pass, stored }) => {
    const kind = findKind(pass.kind);
    const blockers = 'dependents' in kind ? (kind.dependents(stored).blockers ?? []) : [];
    return [...new Set(blockers.map(describe))].map((what): Finding => ({
      about: `pass ${pass.name}`,
      state: 'advice',
      what,
      fix: 'A preview counts these rows as blocked. If they should go, have an earlier pass delete what references them, or name that in `with` as a softChild',
    }));
  });
}

function describe({ name, reference, path }: StoredBlocker): string {
  const { label } = reference.table;
  const along = path.at(-1)?.table.label;
  const what = along === undefined ? 'them' : `their rows of ${along}`;
  return `it keeps rows as long as rows of ${label} that stay reference ${what}, by foreign key ${name}`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const ENDS: Partial<Record<RunStatus, string>> = {
  stopped: 'was stopped',
  'stopped-by-guard': 'was stopped by a guard',
  cancelled: 'was cancelled',
  terminated: 'was terminated',
};

/** Tells how long ago a run of the policy completed: if nobody works nothing fails, and nobody notices. */
export async function examineLastRun({ ledger }: Database, { name }: Policy): Promise<Finding[]> {
  const [runs] = await readLastRuns(ledger, [name]);
  const about = 'last run';
  if (runs === undefined || runs.last === null) return [{ about, state: 'ok', what: 'none has ended yet' }];
  const { last, completed } = runs;
  if (completed?.run === last.run) return [{ about, state: 'ok', what: describeEnd(last) }];
  const success = completed === null ? 'none has completed' : `of those before, ${describeEnd(completed)}`;
  const fix = `\`temporal-vacuum history ${last.run}\` says why`;
  return [{ about, state: 'advice', what: `${describeEnd(last)}; ${success}`, fix }];
}

function describeEnd({ run, status, endedAt }: EndedRun): string {
  const millis = Math.max(0, Date.now() - Date.parse(endedAt));
  // Seconds beside hours and minutes beside days tell nothing.
  const unit = millis < HOUR ? SECOND : millis < DAY ? MINUTE : HOUR;
  const ago = formatDuration(Math.floor(millis / unit) * unit);
  return `run ${run} ${ENDS[status] ?? status} ${ago} ago`;
}
