import { sql } from 'kysely';

import type { PassKind } from '../../policy/pass.ts';
import type { PassReport, PassStatus, RunMode, RunReport, RunStatus } from '../contract.ts';
import type { Strategy } from '../passes/index.ts';
import type { TableSize } from '../sql/sizes.ts';
import type { PassRow, RunRow } from './entities.ts';
import { PassEntity, RunEntity } from './entities.ts';
import type { Ledger } from './ledger.ts';
import type { Note } from './notes.ts';
import type { SizeChange } from './sizes.ts';
import { bytesGivenBack, readSizesOfRun } from './sizes.ts';
import { totalsOf } from './totals.ts';

/** Rows by table. */
export type RowsByTable = Readonly<Record<string, number>>;

/** What came of a run, with the rows of each table. For those who can read the database; never sent to Temporal. */
export interface LedgerReport extends Omit<RunReport, 'notes'> {
  /** Rows deleted, or that would be deleted, in each table, cascades included. */
  readonly deleted: RowsByTable;
  readonly passes: readonly LedgerPassReport[];
  /** What each table measured at the begin and the end. */
  readonly sizes: readonly SizeChange[];
  readonly notes: readonly Note[];
}

/** What came of a pass, with the rows of each table and what was expected. */
export interface LedgerPassReport extends PassReport {
  readonly deleted: RowsByTable;
  readonly estimate: number | null;
  /**
   * When the oldest and the newest of the rows are of that went, or would go, from the pass's own table, by its age. ISO
   * 8601; null where none went or the pass has no age.
   */
  readonly oldest: string | null;
  readonly newest: string | null;
  /** Only some of these rows were looked at: others may be older or newer. */
  readonly sampled: boolean;
  /** What a pass that measures found. */
  readonly measured?: readonly TableSize[];
}

/** One run; undefined where there is none of this number. */
export async function readReport(ledger: Ledger, run: number): Promise<LedgerReport | undefined> {
  const row = await ledger.orm.em.fork().findOne(RunEntity, { id: run }, { schema: ledger.schema });
  return row === null ? undefined : reportOf(ledger, row);
}

/** The runs of a policy, or of all, the newest first. */
export async function readHistory(
  ledger: Ledger,
  { policy, limit }: { readonly policy?: string; readonly limit: number },
): Promise<LedgerReport[]> {
  const rows = await ledger.orm.em.fork().find(RunEntity, policy === undefined ? {} : { policy }, {
    orderBy: { id: 'desc' },
    limit,
    schema: ledger.schema,
  });
  return Promise.all(rows.map(async (row) => reportOf(ledger, row)));
}

/** The last run that a workflow began; undefined where it has begun none. */
export async function findRunOfWorkflow(ledger: Ledger, workflowId: string): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    select max(id) as id from ${ledger.table('run')} where workflow_id = ${workflowId}`.execute(ledger.db);
  return rows[0]?.id ?? undefined;
}

/** The report without what must not leave the database's side. */
export function wireReport({
  deleted: _deleted,
  sizes: _sizes,
  notes,
  passes,
  ...report
}: LedgerReport): RunReport {
  return {
    ...report,
    notes: [...new Set(notes.map(({ what }) => what))],
    passes: passes.map(wirePass),
  };
}

function wirePass({
  deleted: _deleted,
  estimate: _estimate,
  oldest: _oldest,
  newest: _newest,
  sampled: _sampled,
  measured: _measured,
  ...pass
}: LedgerPassReport): PassReport {
  return pass;
}

async function reportOf(ledger: Ledger, run: RunRow): Promise<LedgerReport> {
  const rows = await ledger.orm.em
    .fork()
    .find(PassEntity, { run: run.id }, { orderBy: { ordinal: 'asc' }, schema: ledger.schema });
  const live = run.endedAt === null || run.endedAt === undefined ? await readTotals(ledger, run.id) : [];
  const { changes, byPass } = await readSizesOfRun(ledger, run.id);
  const passes = rows.map((row) => {
    const measured = byPass.get(row.ordinal);
    const totals = live.find((found) => found.pass === row.ordinal);
    return { ...passReportOf(row, totals), ...(measured === undefined ? {} : { measured }) };
  });
  const end = run.endedAt ?? new Date();
  return {
    run: run.id,
    policy: run.policy,
    mode: run.mode as RunMode,
    status: run.state as RunStatus,
    startedAt: run.startedAt.toISOString(),
    endedAt: run.endedAt?.toISOString() ?? null,
    millis: end.getTime() - run.startedAt.getTime(),
    rows: passes.reduce((sum, pass) => sum + pass.rows, 0),
    bytes: bytesGivenBack(changes),
    files: passes.reduce((sum, pass) => sum + pass.files, 0),
    spaceReclaimed: passes.reduce((sum, pass) => sum + (pass.strategy === 'files' ? pass.bytes : 0), 0),
    deleted: addUp(passes.map((pass) => pass.deleted)),
    longestTransactionMillis: run.longestTransactionMillis ?? longestOf(live),
    passes,
    reasons: run.reasons,
    sizes: changes,
    notes: run.notes,
  };
}

type Totalled =
  | 'batches'
  | 'rows'
  | 'moved'
  | 'skipped'
  | 'held'
  | 'bytes'
  | 'files'
  | 'millis'
  | 'deleted'
  | 'reported'
  | 'sampled';

interface LiveTotals extends Pick<PassRow, Totalled> {
  readonly pass: number;
  readonly longest: number | null;
  /** As `to_json` writes them. */
  readonly from: string | null;
  readonly until: string | null;
}

async function readTotals(ledger: Ledger, run: number): Promise<LiveTotals[]> {
  const { rows } = await sql<LiveTotals>`
    select t.*, to_json(t.oldest) #>> '{}' as "from", to_json(t.newest) #>> '{}' as until
    from (${totalsOf(ledger, run)}) as t`.execute(ledger.db);
  return rows;
}

function longestOf(live: readonly LiveTotals[]): number | null {
  const longest = live.map((totals) => totals.longest).filter((millis) => millis !== null);
  return longest.length === 0 ? null : Math.max(...longest);
}

function passReportOf(row: PassRow, live: LiveTotals | undefined): LedgerPassReport {
  const { batches, rows, moved, skipped, held, bytes, files, millis, deleted, reported, sampled } =
    live ?? row;
  const [oldest, newest] = live === undefined ? [row.oldest, row.newest] : [live.from, live.until];
  return {
    name: row.name,
    kind: row.kind as PassKind,
    status: (live === undefined ? row.state : 'running') as PassStatus,
    strategy: (row.strategy ?? null) as Strategy | null,
    shards: row.shards.length,
    batches,
    rows,
    deleted,
    moved,
    skipped,
    held,
    reported: reported ?? null,
    bytes,
    backlog: row.backlog ?? null,
    files,
    millis,
    error: row.error ?? null,
    estimate: row.estimate ?? null,
    oldest: isoOf(oldest),
    newest: isoOf(newest),
    sampled,
  };
}

function isoOf(instant: Date | string | null | undefined): string | null {
  return instant === null || instant === undefined ? null : new Date(instant).toISOString();
}

/** The sum of rows, table by table. */
export function addUp(tables: readonly RowsByTable[]): RowsByTable {
  const sum: Record<string, number> = {};
  for (const table of tables) {
    for (const [label, rows] of Object.entries(table)) sum[label] = (sum[label] ?? 0) + rows;
  }
  return sum;
}
