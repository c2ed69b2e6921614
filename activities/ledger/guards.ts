import { sql } from 'kysely';

import { inTransaction } from '../sql/transaction.ts';
import type { Ledger } from './ledger.ts';
import type { OpenRun, RunOwner, RunPass, RunSettings } from './runs.ts';
import { insertPasses } from './runs.ts';

/** A table as a run found it when it began. */
export interface SeenTable {
  readonly oid: string;
  /** Rows, from a sample. */
  readonly rows: number;
  /** The run that saw it. */
  readonly run: number;
}

/** What guards remember of a policy. */
export interface GuardState {
  /** Null before the first run, and once a person acknowledged what blocked the policy. */
  readonly systemIdentifier: string | null;
  /** Null in the same cases. */
  readonly databaseOid: string | null;
  /** By the table's own name, with its schema. */
  readonly tables: Readonly<Record<string, SeenTable>>;
  /** Runs up to this number are no reason to block the policy. */
  readonly knownRun: number;
  /** Why no run may begin; null if runs may. */
  readonly blocked: readonly string[] | null;
  readonly blockedAt: string | null;
}

/** What a run that may begin leaves for the next one to compare. */
export interface Seen {
  readonly systemIdentifier: string | null;
  readonly databaseOid: string;
  readonly tables: Readonly<Record<string, Omit<SeenTable, 'run'>>>;
}

const LIMITS = { lockMillis: 10_000, statementMillis: 30_000 };
/** A preview lets runs of the same settings go ahead for so long. */
const PREVIEW_HOURS = 24;
/** So many runs of a pass say what is usual. */
const USUAL_RUNS = 10;
/** Clocks of database servers that follow one another differ by less. */
const FUTURE_SECONDS = 60;

/** What guards remember of a policy; undefined before its first run. */
export async function readGuardState(ledger: Ledger, policy: string): Promise<GuardState | undefined> {
  const { rows } = await sql<GuardState>`
    select
      system_identifier as "systemIdentifier", database_oid as "databaseOid", tables,
      known_run as "knownRun", disarmed as blocked,
      to_json(disarmed_at) #>> '{}' as "blockedAt"
    from ${ledger.table('guard')}
    where policy = ${policy}`.execute(ledger.db);
  return rows[0];
}

/** Remembers the database and the tables as a run that begins has found them. */
export async function keepSeen(
  ledger: Ledger,
  { id, policy }: Pick<OpenRun, 'id' | 'policy'>,
  seen: Seen,
): Promise<void> {
  const tables = Object.entries(seen.tables).map(([name, table]) => [name, { ...table, run: id }]);
  await sql`
    insert into ${ledger.table('guard')} as g (policy, system_identifier, database_oid, tables)
    values (
      ${policy}, ${seen.systemIdentifier}, ${seen.databaseOid},
      ${JSON.stringify(Object.fromEntries(tables))}::jsonb)
    on conflict (policy) do update
    set
      system_identifier = coalesce(excluded.system_identifier, g.system_identifier),
      database_oid = excluded.database_oid,
      tables = g.tables || excluded.tables`.execute(ledger.db);
}

/** Lets no run of a policy begin until {@link acknowledge}. `lastRun` is the highest known number of a run. */
export async function blockPolicy(
  ledger: Ledger,
  policy: string,
  reasons: readonly string[],
  lastRun: number,
): Promise<void> {
  await sql`
    insert into ${ledger.table('guard')} as g (policy, known_run, disarmed, disarmed_at)
    values (${policy}, ${lastRun}, ${JSON.stringify(reasons)}::jsonb, clock_timestamp())
    on conflict (policy) do update
    set
      known_run = greatest(g.known_run, excluded.known_run),
      disarmed = excluded.disarmed,
      disarmed_at = excluded.disarmed_at`.execute(ledger.db);
}

/** A policy that was blocked, and why. */
export interface BlockedPolicy {
  readonly policy: string;
  readonly reasons: readonly string[];
}

/**
 * Lets runs of a policy, or of all, begin again. The next run remembers the database and the tables as it finds them.
 * Returns the policies that were blocked.
 */
export async function acknowledge(ledger: Ledger, policy?: string): Promise<BlockedPolicy[]> {
  return inTransaction(ledger.db, LIMITS, async (tx) => {
    const { rows } = await sql<BlockedPolicy>`
      with was as (
        select policy, disarmed
        from ${ledger.table('guard')}
        where disarmed is not null and (${policy ?? null}::text is null or policy = ${policy ?? null})
        for update
      )
      update ${ledger.table('guard')} as g
      set
        system_identifier = null,
        database_oid = null,
        tables = '{}',
        known_run = greatest(g.known_run, (select coalesce(max(id), 0) from ${ledger.table('run')})),
        disarmed = null,
        disarmed_at = null
      from was
      where g.policy = was.policy
      returning g.policy, was.disarmed as reasons`.execute(tx);
    return rows;
  });
}

/** What the runs of a ledger say of its past. */
export interface LedgerPast {
  /** The highest number of a run; 0 if there is none. */
  readonly lastRun: number;
  /** A run above the number that is known, that began or ended in the future. */
  readonly future: number | null;
}

export async function readPast(ledger: Ledger, knownRun: number): Promise<LedgerPast> {
  const { rows } = await sql<LedgerPast>`
    select
      coalesce(max(id), 0) as "lastRun",
      max(id) filter (
        where id > ${knownRun}
        and greatest(started_at, ended_at) > clock_timestamp() + make_interval(secs => ${FUTURE_SECONDS}::float8)
      ) as future
    from ${ledger.table('run')}`.execute(ledger.db);
  return rows[0] ?? { lastRun: 0, future: null };
}

/** The rows that runs, of whatever policy, deleted from a table, by the label of it, from the run of a number on. */
export async function deletedFrom(ledger: Ledger, label: string, run: number): Promise<number> {
  const { rows } = await sql<{ rows: number }>`
    select coalesce(sum((p.deleted ->> ${label})::float8), 0) as rows
    from ${ledger.table('pass')} as p
    join ${ledger.table('run')} as r on r.id = p.run_id
    where r.mode = 'execute' and r.id >= ${run}`.execute(ledger.db);
  return rows[0]?.rows ?? 0;
}

/**
 * The most rows that one of the last runs of a pass deleted from a table; undefined if none ever deleted any. Runs
 * that found nothing do not count: of an hourly schedule over rows that expire once a day most do. One that a limit or a
 * crash ended counts with what it was about to delete; one that a person ended does not, who may have seen that it was wrong.
 */
export async function mostDeleted(
  ledger: Ledger,
  policy: string,
  pass: string,
  label: string,
): Promise<number | undefined> {
  const { rows } = await sql<{ most: number | null }>`
    select max(rows) as most
    from (
      select
        case
          when p.state = 'completed' or r.state = 'cancelled'
            or (r.state = 'stopped' and r.reasons::text not like '%stopped: limit %')
            then (p.deleted ->> ${label})::float8
          else greatest((p.deleted ->> ${label})::float8, p.estimate)
        end as rows
      from ${ledger.table('pass')} as p
      join ${ledger.table('run')} as r on r.id = p.run_id
      where r.policy = ${policy} and r.mode = 'execute' and p.name = ${pass} and (p.deleted ->> ${label})::float8 > 0
      order by r.id desc
      limit ${USUAL_RUNS}
    ) as usual`.execute(ledger.db);
  return rows[0]?.most ?? undefined;
}

/** Which of some passes were previewed in the last 24 hours with the settings that they have now. */
export async function previewedPasses(
  ledger: Ledger,
  policy: string,
  passes: readonly RunPass[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    select distinct p.name
    from ${ledger.table('pass')} as p
    join ${ledger.table('run')} as r on r.id = p.run_id
    join unnest(
      ${passes.map((pass) => pass.name)}::text[],
      ${passes.map((pass) => pass.settingsHash)}::text[]
    ) as w(name, hash) on w.name = p.name and w.hash = p.settings_hash
    where
      r.policy = ${policy} and r.mode = 'preview'
      and r.started_at between now() - make_interval(hours => ${PREVIEW_HOURS}::int) and now()`.execute(
    ledger.db,
  );
  return new Set(rows.map((row) => row.name));
}

/** Inserts a run that guards stopped, closed from the begin. Returns the number of the run. */
export async function insertGuarded(
  ledger: Ledger,
  owner: RunOwner,
  settings: RunSettings,
  passes: readonly RunPass[],
  reasons: readonly string[],
): Promise<number> {
  return inTransaction(ledger.db, LIMITS, async (tx) => {
    const { rows } = await sql<{ id: number }>`
      insert into ${ledger.table('run')}
        (policy, mode, state, workflow_id, first_run_id, temporal, settings, reasons, started_at, ended_at)
      values (
        ${settings.plan.policy}, 'execute', 'stopped', ${owner.workflowId}, ${owner.firstRunId}, ${owner.temporal},
        ${JSON.stringify(settings)}::jsonb, ${JSON.stringify(reasons)}::jsonb, now(), now())
      returning id`.execute(tx);
    const run = rows[0]?.id ?? 0;
    await insertPasses(tx, ledger, run, passes.map(withoutMeasures));
    return run;
  });
}

/** A run that deletes nothing need not write down which rows it would have kept, nor what waited for it. */
function withoutMeasures({ before: _before, ...pass }: RunPass): RunPass {
  if (pass.frozen?.keeps === undefined) return pass;
  const { keeps: _keeps, ...frozen } = pass.frozen;
  return { ...pass, frozen };
}
