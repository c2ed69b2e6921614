import { print, printTable, formatCount } from '../../worker/cli/output.ts';
import type { Digests } from './digests.ts';
import { allRows, differences } from './digests.ts';
import type { PrefectMeasurement } from './measurement.ts';
import { CONTENDERS } from './measurement.ts';
import type { PrefectSize } from './size.ts';

/** What was measured on one size. */
export interface PrefectResults {
  readonly size: PrefectSize;
  readonly bytes: number;
  readonly before: Digests;
  readonly measured: readonly PrefectMeasurement[];
}

const TITLES = {
  ours: 'temporal-vacuum, the same passes, end to end',
  whole: 'temporal-vacuum, the whole preset, end to end',
  prefect: "Prefect's own functions, batches of 200",
  plain: 'plain DELETEs',
} as const;

/** Prints what each took, whether they left the same rows, and the goals. Tells; fails nothing. */
export function printPrefect({ size, bytes, before, measured }: PrefectResults): void {
  print(`\n${size.title}: ${formatCount(allRows(before))} rows, ${(bytes / 1e9).toFixed(2)} GB\n`);
  const prefect = measured.find(({ contender }) => contender === 'prefect');
  printTable(
    ['contender', 'seconds', 'rows', 'rows/s', 'faster than Prefect', 'longest transaction'],
    measured.map(({ contender, seconds, longestMillis, left }) => {
      const rows = allRows(before) - allRows(left);
      const ratio = prefect === undefined ? '' : `${(prefect.seconds / seconds).toFixed(1)} times`;
      const longest = `${Math.round(longestMillis)} ms`;
      return [TITLES[contender], seconds.toFixed(2), rows, Math.round(rows / seconds), ratio, longest];
    }),
  );
  for (const contender of CONTENDERS) {
    if (!measured.some((one) => one.contender === contender)) print(`left out: ${TITLES[contender]}`);
  }
  printPasses(prefect);
  printComparison(measured);
  printGoals(size, measured);
}

function printPasses(prefect: PrefectMeasurement | undefined): void {
  if (prefect?.passes === undefined) return;
  print('');
  printTable(
    ["Prefect's own", 'seconds'],
    Object.entries(prefect.passes).map(([name, seconds]) => [name, seconds.toFixed(2)]),
  );
}

/** Table by table, by counts and by the ids of what is left. */
function printComparison(measured: readonly PrefectMeasurement[]): void {
  const same = measured.filter(({ contender }) => contender !== 'whole');
  const first = same.find(({ contender }) => contender === 'prefect') ?? same[0];
  print('');
  for (const { contender, left } of same) {
    if (first === undefined || contender === first.contender) continue;
    const apart = differences(first.left, left);
    const said = apart.length === 0 ? 'the same rows in every table' : apart.join('; ');
    print(`left by ${TITLES[first.contender]} and by ${TITLES[contender]}: ${said}`);
  }
}

function printGoals({ name }: PrefectSize, measured: readonly PrefectMeasurement[]): void {
  const at = (contender: string): PrefectMeasurement | undefined =>
    measured.find((one) => one.contender === contender);
  const [ours, prefect, plain] = [at('ours'), at('prefect'), at('plain')];
  if (name === 'smoke') {
    print('\nThe goals are for the other sizes.');
    return;
  }
  print('');
  const times = name === 'large' ? 25 : 10;
  if (ours === undefined) return;
  if (prefect !== undefined) {
    const figure = prefect.seconds / ours.seconds;
    say("times faster than Prefect's own", figure, figure >= times, `at least ${times}`);
  }
  if (plain !== undefined) {
    const figure = ours.seconds / plain.seconds;
    say('wall time over plain DELETEs', figure, figure <= 1, 'at most 1');
  }
  say('longest transaction, ms', ours.longestMillis, ours.longestMillis <= 150, 'at most 150');
}

function say(what: string, figure: number, met: boolean, goal: string): void {
  print(`${met ? 'met ' : 'MISS'}  ${what}: ${figure.toFixed(1)} (goal: ${goal})`);
}
