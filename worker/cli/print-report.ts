import type { PassReport, ReportedRows, RunReport } from '../../activities/contract.ts';
import { formatNote } from '../../activities/ledger/runs.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import { coloured, print, printTable, formatBytes, formatCount, formatMillis, strong } from './output.ts';
import { printPassBacklogs } from './print-backlog.ts';
import { printChanges, printSizes } from './print-sizes.ts';

/** A run in the output of `--json`, which `docs/commands.md` documents. */
export type PrintedReport = Omit<LedgerReport, 'passes' | 'notes'> & {
  readonly notes: readonly string[];
  readonly passes: readonly Omit<LedgerReport['passes'][number], 'estimate'>[];
};

/** Converts a report to the output of `--json`. */
export function toPrinted({ passes, notes, ...report }: LedgerReport): PrintedReport {
  return {
    ...report,
    notes: notes.map(formatNote),
    passes: passes.map(({ estimate: _estimate, ...pass }) => pass),
  };
}

/** Converts the report of a run that did not begin. */
export function withoutLedger(report: RunReport): PrintedReport {
  return { ...report, deleted: {}, sizes: [], passes: [] };
}

/** Prints a run as text: each pass, and the rows of each table. */
export function printReport(report: PrintedReport): void {
  const would = report.mode === 'preview';
  const colour = report.status === 'completed' ? 'green' : report.status === 'failed' ? 'red' : 'yellow';
  const number = report.run === null ? '' : ` ${report.run}`;
  print(
    `${strong(`run${number}`)} of policy ${report.policy}: ${coloured(colour, would ? 'previewed' : report.status)}, ` +
      `${formatCount(report.rows)} rows ${would ? 'would go' : 'deleted'} in ${formatMillis(report.millis)}`,
  );
  for (const reason of [...report.reasons, ...report.notes]) print(`  ${reason}`);
  if (report.holder !== undefined) {
    print(`  run ${report.holder.run} of workflow ${report.holder.workflowId} is open`);
  }
  if (report.passes.length > 0) printPasses(report);
  printHorizons(report.passes);
  printErrors(report);
  printReported(report.passes, would);
  printPassBacklogs(report.passes);
  printHeld(report.passes);
  printTables(report.deleted, would);
  printChanges(report);
  for (const { name, measured } of report.passes) {
    if (measured === undefined) continue;
    print(`\nmeasured by pass ${name}`);
    printSizes(measured);
  }
}

function printPasses({ passes }: PrintedReport): void {
  print('');
  printTable(
    ['pass', 'status', 'scan', 'shards', 'batches', 'rows', 'moved', 'skipped', 'given back', 'time'],
    passes.map((pass) => [
      pass.name,
      pass.status,
      pass.scan ?? '',
      pass.shards,
      pass.batches,
      pass.rows,
      pass.moved,
      pass.skipped,
      pass.bytes === 0 ? '' : formatBytes(pass.bytes),
      formatMillis(pass.millis),
    ]),
  );
}

/** The width of a reason in a table. */
const MOST_CHARACTERS = 60;

/** Shortens a sentence for a column. */
export function shorten(sentence: string): string {
  const [line = ''] = sentence.split('\n');
  const isShort = line === sentence && line.length <= MOST_CHARACTERS;
  return isShort ? line : `${line.slice(0, MOST_CHARACTERS - 3).trimEnd()}...`;
}

/** Prints why passes failed, unless the reasons of the run say so. */
function printErrors({ passes, reasons }: PrintedReport): void {
  for (const { name, error } of passes) {
    if (error === null || reasons.some((reason) => reason.includes(error))) continue;
    print(`\n${strong(name)}: ${coloured('red', error)}`);
  }
}

/** Prints the instant before which the rows of each pass were deletable. */
function printHorizons(passes: PrintedReport['passes']): void {
  const horizons = passes.flatMap(({ name, horizon }) =>
    horizon === null ? [] : [[name, horizon] as const],
  );
  if (horizons.length === 0) return;
  print('');
  printTable(['pass', 'rows older than'], horizons);
}

/** Prints what each pass found and did not resolve. */
export function printReported(
  passes: readonly {
    readonly name: string;
    readonly kind: PassReport['kind'];
    readonly reported: ReportedRows | null;
    readonly files: number;
    readonly bytes: number;
  }[],
  would: boolean,
): void {
  for (const { name, kind, reported, files, bytes } of passes) {
    const ofFiles = kind === 'deleteRecordedFiles' || kind === 'sweepStrayFiles';
    if (ofFiles) {
      const what = would ? 'would go' : 'removed';
      print('');
      print(`${strong(name)}: ${formatCount(files)} files ${what}, ${formatBytes(bytes)}`);
    }
    if (reported === null) continue;
    if (!ofFiles) print('');
    const since = reported.oldest === null ? '' : `, the oldest of ${reported.oldest}`;
    const resolved = reported.resolved === 0 ? '' : `, ${formatCount(reported.resolved)} resolved`;
    const taking = reported.bytes === undefined ? '' : ` of ${formatBytes(reported.bytes)}`;
    const what = ofFiles ? 'files' : 'rows';
    print(`${strong(name)}: ${formatCount(reported.found)} ${what} found${taking}${since}${resolved}`);
    for (const [reason, rows] of Object.entries(reported.unresolved)) {
      print(`  ${formatCount(rows)} ${ofFiles ? 'not removed' : 'not resolved'}: ${reason}`);
    }
  }
}

/** Prints the rows of each pass that only holds keep. */
export function printHeld(
  passes: readonly { readonly name: string; readonly held: number; readonly blocked: number }[],
): void {
  for (const { name, held, blocked } of passes) {
    if (held > 0) print(`\n${strong(name)}: ${formatCount(held)} rows kept by hold`);
    if (blocked > 0) {
      print(
        `\n${strong(name)}: ${formatCount(blocked)} rows stay, because others reference them or the database refuses`,
      );
    }
  }
}

/** Prints the rows by table. */
function printTables(deleted: Readonly<Record<string, number>>, would: boolean): void {
  const tables = Object.entries(deleted).toSorted(([, a], [, b]) => b - a);
  if (tables.length === 0) return;
  print('');
  printTable(['table', would ? 'rows that would go' : 'rows deleted'], tables);
}
