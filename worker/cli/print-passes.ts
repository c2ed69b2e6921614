import type { LedgerPassReport } from '../../activities/stored/report.ts';
import { listNames } from '../../policy/fold-alike.ts';
import { countNouns, formatBytes, formatMillis, print, printMost, printTable } from './output.ts';

type Pass = Omit<LedgerPassReport, 'estimate'>;

/** Prints the passes of a run: those that did something or wait; with details all, and how they worked. */
export function printPasses(passes: readonly Pass[], details: boolean): void {
  if (passes.length === 0) return;
  print('');
  if (details) {
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
    return;
  }
  const [busy, idle] = [passes.filter(isBusy), passes.filter((pass) => !isBusy(pass))];
  const columns = COLUMNS.filter(({ value }) => busy.some((pass) => value(pass) > 0));
  if (busy.length > 0) {
    printMost(
      ['pass', 'status', ...columns.map(({ title }) => title), 'time'],
      busy.map((pass) => [
        pass.name,
        pass.status,
        ...columns.map(({ value }) => value(pass)),
        // A preview has no time of single passes.
        pass.millis === 0 ? '' : formatMillis(pass.millis),
      ]),
      'pass',
      details,
    );
  }
  printIdle(idle);
}

const COLUMNS: readonly { readonly title: string; readonly value: (pass: Pass) => number }[] = [
  { title: 'rows', value: ({ rows }) => rows },
  { title: 'moved', value: ({ moved }) => moved },
  { title: 'skipped', value: ({ skipped }) => skipped },
  { title: 'files', value: ({ files }) => files },
];

/** The note about passes that neither did nor found anything; a pass of another status is always listed. */
const IDLE: Readonly<Partial<Record<Pass['status'], string>>> = {
  completed: 'had nothing to do',
  previewed: 'would delete nothing',
  'not-applicable': 'not applicable to this database',
  planned: 'not begun',
};

function isBusy(pass: Pass): boolean {
  return IDLE[pass.status] === undefined || pass.bytes !== 0 || COLUMNS.some(({ value }) => value(pass) > 0);
}

function printIdle(idle: readonly Pass[]): void {
  for (const [status, what] of Object.entries(IDLE)) {
    const names = idle.filter((pass) => pass.status === status).map(({ name }) => name);
    if (names.length > 0) print(`${countNouns(names.length, 'pass')} ${what}: ${listNames(names)}`);
  }
}
