import type { PassReport, ReportedRows, RunReport, RunStatus } from '../../activities/contract.ts';
import { formatNote } from '../../activities/ledger/runs.ts';
import type { LedgerReport } from '../../activities/stored/report.ts';
import { formatInstant } from '../../policy/format-instant.ts';
import type { OpenState, RunState } from '../run-state.ts';
import { foldSentences, printForPasses } from './fold-sentences.ts';
import {
  coloured,
  countNouns,
  formatBytes,
  formatCount,
  formatMillis,
  print,
  printMost,
  printTable,
  strong,
} from './output.ts';
import { printPassBacklogs } from './print-backlog.ts';
import { printPasses } from './print-passes.ts';
import { printChanges, printIndexBloat, printSizes } from './print-sizes.ts';

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

const STATES: Partial<Record<RunStatus | OpenState, string>> = {
  'stopped-by-guard': 'stopped by a guard',
  unknown: 'not known',
  'no-worker': 'not known',
  encoded: 'not known',
  'no-temporal': 'not known',
};

/** The status of a run, or the state of an open one, in words. */
export function formatState(state: RunStatus | OpenState): string {
  return STATES[state] ?? state;
}

/**
 * Prints a run as text: what went, from which tables, how long it took, and what waits. Details are each pass with its scan,
 * horizon and batches, and the sizes of the tables. `now` is how an open run stands.
 */
export function printReport(report: PrintedReport, details: boolean, now?: RunState): void {
  const would = report.mode === 'preview';
  const status = formatState(now?.state ?? report.status);
  const colour = status === 'completed' ? 'green' : status === 'failed' ? 'red' : 'yellow';
  const number = report.run === null ? '' : ` ${report.run}`;
  const back = (report.bytes ?? 0) > 0 ? `, ${formatBytes(report.bytes ?? 0)} given back` : '';
  // A run that did not begin has no number.
  const result =
    report.run === null
      ? 'nothing was deleted'
      : `${countRemoved(report)} ${would ? 'would go' : 'deleted'} in ${formatMillis(report.millis)}${back}`;
  print(
    `${strong(`run${number}`)} of policy ${report.policy}: ${coloured(colour, would ? 'previewed' : status)}, ${result}`,
  );
  const sentences = [
    ...(typeof now?.reason === 'string' ? [now.reason] : []),
    ...report.reasons,
    ...report.notes,
  ];
  for (const sentence of details ? sentences : foldSentences(sentences)) print(`  ${sentence}`);
  if (report.holder !== undefined) {
    print(`  run ${report.holder.run} of workflow ${report.holder.workflowId} is open`);
  }
  if (!would) printIndexBloat(report.sizes);
  printTables(report.deleted, would, details);
  printPasses(report.passes, details);
  if (details) printHorizons(report.passes);
  printErrors(report, details);
  printReported(report.passes, would, details);
  printPassBacklogs(report.passes, details);
  printHeld(report.passes, details);
  if (details) printChanges(report);
  for (const { name, measured } of report.passes) {
    if (measured === undefined) continue;
    print(`\nmeasured by pass ${name}`);
    printSizes(measured);
  }
}

/** Says how many rows were or would be deleted, and how many files if there are some. */
export function countRemoved({ rows, files }: { readonly rows: number; readonly files: number }): string {
  return [countNouns(rows, 'row'), ...(files === 0 ? [] : [countNouns(files, 'file')])].join(' and ');
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
function printErrors({ passes, reasons }: PrintedReport, details: boolean): void {
  const sentences = passes.flatMap(({ name: pass, error }) =>
    error === null || reasons.some((reason) => reason.includes(error))
      ? []
      : [{ pass, text: coloured('red', error) }],
  );
  printForPasses(sentences, details);
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
  details: boolean,
): void {
  const sentences = passes.flatMap(({ name: pass, kind, reported, files, bytes }) => {
    const ofFiles = kind === 'deleteRecordedFiles' || kind === 'sweepStrayFiles';
    const went = `${countNouns(files, 'file')} ${would ? 'would go' : 'removed'}, ${formatBytes(bytes)}`;
    const found = reported === null ? [] : [describeReported(reported, ofFiles)];
    return [...(ofFiles ? [went] : []), ...found].map((text) => ({ pass, text }));
  });
  printForPasses(sentences, details);
}

function describeReported(
  { found, oldest, resolved, bytes, unresolved }: ReportedRows,
  ofFiles: boolean,
): string {
  const since = oldest === null ? '' : `, the oldest of ${formatInstant(oldest)}`;
  const done = resolved === 0 ? '' : `, ${formatCount(resolved)} resolved`;
  const taking = bytes === undefined ? '' : ` of ${formatBytes(bytes)}`;
  const left = Object.entries(unresolved).map(
    ([reason, rows]) => `  ${formatCount(rows)} ${ofFiles ? 'not removed' : 'not resolved'}: ${reason}`,
  );
  return [`${countNouns(found, ofFiles ? 'file' : 'row')} found${taking}${since}${done}`, ...left].join('\n');
}

/** Prints the rows of each pass that holds keep, or that other rows or the database keep. */
export function printHeld(
  passes: readonly { readonly name: string; readonly held: number; readonly blocked: number }[],
  details: boolean,
): void {
  const sentences = passes.flatMap(({ name: pass, held, blocked }) => [
    ...(held > 0 ? [{ pass, text: `${countNouns(held, 'row')} kept by hold` }] : []),
    ...(blocked > 0 ? [{ pass, text: describeBlocked(blocked) }] : []),
  ]);
  printForPasses(sentences, details);
}

function describeBlocked(blocked: number): string {
  const stay = blocked === 1 ? 'stays' : 'stay';
  return `${countNouns(blocked, 'row')} ${stay}, because others reference them or the database refuses`;
}

/** Prints the rows by table. */
function printTables(deleted: Readonly<Record<string, number>>, would: boolean, details: boolean): void {
  const tables = Object.entries(deleted)
    .filter(([, rows]) => rows > 0)
    .toSorted(([, a], [, b]) => b - a);
  if (tables.length === 0) return;
  print('');
  printMost(['table', would ? 'rows that would go' : 'rows deleted'], tables, 'table', details);
}
