import { printTable, formatCount } from '../worker/cli/output.ts';
import type { Measurement } from './measure.ts';

/** The middle one by time. */
export function median<T extends { readonly seconds: number }>(of: readonly T[]): T {
  const sorted = of.toSorted((a, b) => a.seconds - b.seconds);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}

/** The measurements of one case. */
export function printMeasurements(title: string, of: readonly Measurement[]): void {
  process.stdout.write(`\n${title}\n\n`);
  printTable(
    ['contender', 'seconds', 'rows', 'rows/s', 'longest tx', 'WAL', 'worker', 'events', 'ETA off'],
    of.map((m) => [
      `${m.contender}${m.cutOff ? ' (cut off)' : ''}`,
      m.seconds.toFixed(2),
      m.rows,
      Math.round(m.rows / m.seconds),
      `${Math.round(m.longestTransactionMillis)} ms`,
      `${Math.round(m.walMegabytes)} MB`,
      m.workerMebibytes === null ? '' : `${Math.round(m.workerMebibytes)} MiB`,
      m.historyEvents ?? '',
      m.etaErrorAtTenth === null ? '' : `${Math.round(100 * m.etaErrorAtTenth)} %`,
    ]),
  );
}

type Goal = readonly [
  what: string,
  figure: number | null,
  goal: number,
  'at most' | 'at least',
  unit: string,
];

/** What the goals of the project say, each with the figure. Tells; fails nothing. */
export function printGoals(ours: Measurement, plain: Measurement, loops: readonly Measurement[]): void {
  const goals: Goal[] = [
    ['wall time over plain DELETEs', ours.seconds / plain.seconds, 1, 'at most', ''],
    ...loops.map((loop): Goal => [
      `rows/s over ${loop.contender}`,
      rate(ours) / rate(loop),
      10,
      'at least',
      '',
    ]),
    ['longest transaction', ours.longestTransactionMillis, 150, 'at most', ' ms'],
    ['time per row, last tenth over first', ours.lastTenthOverFirst, 1.5, 'at most', ''],
    ['ETA after a tenth of the work, off by', ours.etaErrorAtTenth, 0.2, 'at most', ''],
    ['worker memory', ours.workerMebibytes, 300, 'at most', ' MiB'],
    [
      'rows per workflow history event',
      ours.historyEvents === null ? null : ours.rows / ours.historyEvents,
      20_000,
      'at least',
      '',
    ],
    ['a run that finds nothing to do', ours.idleSeconds, 3, 'at most', ' s'],
  ];
  process.stdout.write('\n');
  for (const [what, figure, goal, bound, unit] of goals) {
    if (figure === null) continue;
    const met = bound === 'at most' ? figure <= goal : figure >= goal;
    const said = figure >= 1000 ? formatCount(figure) : figure.toFixed(figure < 10 ? 2 : 0);
    process.stdout.write(
      `${met ? 'met ' : 'MISS'}  ${what}: ${said}${unit} (goal: ${bound} ${goal}${unit})\n`,
    );
  }
}

function rate({ rows, seconds }: Measurement): number {
  return rows / seconds;
}
