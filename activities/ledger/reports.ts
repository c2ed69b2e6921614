import type {
  LedgerPassReport,
  LedgerReport,
  PassReport,
  RowsByTable,
  RunReport,
  ReportedPass,
  ReportedRun,
  ReportedSize,
} from '../stored/report.ts';
import type { SizeChange, TableSize } from '../stored/size.ts';
import type { Ledger } from './ledger.ts';
import { readLiveProgress } from './live-progress.ts';

/** One run; undefined if there is none of this number. Of an open run, a pass whose shards are all done is completed. */
export async function readReport(ledger: Ledger, run: number): Promise<LedgerReport | undefined> {
  const found = await ledger.session.ledger.reports.readRun(run);
  if (found === undefined) return undefined;
  const [report] = await readReports(ledger, [found]);
  if (report === undefined || report.endedAt !== null) return report;
  const live = await readLiveProgress(ledger, run);
  const done = new Set(live.filter(({ status }) => status === 'completed').map(({ name }) => name));
  const passes = report.passes.map((pass) =>
    pass.status === 'running' && done.has(pass.name) ? { ...pass, status: 'completed' as const } : pass,
  );
  return { ...report, passes };
}

/** The runs of a policy, or of all, the newest first. */
export async function readHistory(
  ledger: Ledger,
  { policy, limit }: { readonly policy?: string; readonly limit: number },
): Promise<LedgerReport[]> {
  return readReports(ledger, await ledger.session.ledger.reports.readRuns(policy, limit));
}

async function readReports(ledger: Ledger, runs: readonly ReportedRun[]): Promise<LedgerReport[]> {
  const { reports } = ledger.session.ledger;
  const numbers = runs.map(({ run }) => run);
  const [passes, sizes] = await Promise.all([reports.readPasses(numbers), reports.readSizes(numbers)]);
  const [listPasses, listSizes] = [
    Map.groupBy(passes, ({ run }) => run),
    Map.groupBy(sizes, ({ run }) => run),
  ];
  // There tables shrink without a byte for the disk.
  const asWhole = ledger.session.reclaim?.planWhole !== undefined;
  return runs.map((run) => {
    const report = toReport(run, listPasses.get(run.run) ?? [], listSizes.get(run.run) ?? []);
    return asWhole ? { ...report, bytes: sumBytes(report.passes, 'tables') } : report;
  });
}

function toReport(
  run: ReportedRun,
  found: readonly ReportedPass[],
  measured: readonly ReportedSize[],
): LedgerReport {
  const passes = found.map((pass) => toPassReport(pass, measured));
  const sizes = pairSizes(measured);
  const longest = found.map((pass) => pass.longest).filter((millis) => millis !== null);
  return {
    run: run.run,
    policy: run.policy,
    mode: run.mode,
    status: run.status,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    millis: run.millis,
    rows: passes.reduce((sum, pass) => sum + pass.rows, 0),
    bytes: sumBytesGivenBack(sizes),
    files: passes.reduce((sum, pass) => sum + pass.files, 0),
    spaceReclaimed: sumBytes(passes, 'files'),
    deleted: addUp(passes.map((pass) => pass.deleted)),
    longestTransactionMillis:
      run.longestTransactionMillis ?? (longest.length === 0 ? null : Math.max(...longest)),
    passes,
    reasons: run.reasons,
    sizes,
    notes: run.notes,
  };
}

function toPassReport(
  { run: _run, ordinal, longest: _longest, ...pass }: ReportedPass,
  sizes: readonly ReportedSize[],
): LedgerPassReport {
  const measured = sizes.filter((size) => size.moment === 'pass' && size.pass === ordinal);
  return measured.length === 0 ? pass : { ...pass, measured: measured.map((size) => size.measured) };
}

/** What each table measured before and after a run. */
function pairSizes(sizes: readonly ReportedSize[]): SizeChange[] {
  const changes = new Map<string, SizeChange>();
  for (const { moment, measured } of sizes) {
    if (moment === 'pass') continue;
    const { table } = measured;
    const known = changes.get(table) ?? { table, before: null, after: null };
    changes.set(table, { ...known, [moment === 'begin' ? 'before' : 'after']: measured });
  }
  return [...changes.values()];
}

/** Bytes that the passes with a scan gave back. */
function sumBytes(passes: readonly LedgerPassReport[], scan: LedgerPassReport['scan']): number {
  return passes.reduce((sum, pass) => sum + (pass.scan === scan ? pass.bytes : 0), 0);
}

/** Bytes that a run gave back; negative if tables grew. Null if some table was not measured twice. */
function sumBytesGivenBack(changes: readonly SizeChange[]): number | null {
  let sum = 0;
  for (const { before, after } of changes) {
    if (before === null || after === null) return null;
    sum += countBytes(before) - countBytes(after);
  }
  return changes.length === 0 ? null : sum;
}

/** A table with its indexes and TOAST. */
export function countBytes({ heap, indexes, toast }: Pick<TableSize, 'heap' | 'indexes' | 'toast'>): number {
  return heap + indexes + toast;
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
  horizon: _horizon,
  measured: _measured,
  ...pass
}: LedgerPassReport): PassReport {
  return pass;
}

export function addUp(tables: readonly RowsByTable[]): RowsByTable {
  const sum: Record<string, number> = {};
  for (const table of tables) {
    for (const [label, rows] of Object.entries(table)) sum[label] = (sum[label] ?? 0) + rows;
  }
  return sum;
}
