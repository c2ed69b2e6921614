import prettyMilliseconds from 'pretty-ms';

import { countDaysBehind } from '../../activities/inspect/backlog.ts';
import type { CurrentBacklog } from '../../activities/inspect/current-backlog.ts';
import type { Backlog, Pace, PassBacklog } from '../../activities/stored/backlog.ts';
import { listNames } from '../../policy/fold-alike.ts';
import { coloured, countNouns, formatCount, print, printMost, printTable } from './output.ts';

/** What waited for passes before a run and what it left. Without details only if rows wait or a pass does not keep up. */
export function printPassBacklogs(
  passes: readonly { readonly name: string; readonly backlog: PassBacklog | null }[],
  details: boolean,
): void {
  if (!details) {
    printWaiting(passes);
    return;
  }
  const rows = passes.flatMap(({ name, backlog }) =>
    backlog === null
      ? []
      : [[name, formatRows(backlog.before), formatRows(backlog.after), formatOldest(backlog.after)]],
  );
  if (rows.length === 0) return;
  print('');
  printTable(['pass', 'past their time before', 'after', 'oldest'], rows);
  printPace(passes.map(({ name, backlog }) => ({ pass: name, left: backlog?.after ?? null, pace: backlog })));
}

function printWaiting(
  passes: readonly { readonly name: string; readonly backlog: PassBacklog | null }[],
): void {
  const rows = passes.flatMap(({ name, backlog }) => {
    const after = backlog?.after ?? null;
    const waits = after !== null && after.rows > 0;
    if (backlog === null || (!waits && backlog.keepsUp !== false)) return [];
    return [[name, formatRows(after), formatOldest(after), formatVerdict(after, backlog)]];
  });
  if (rows.length === 0) return;
  print('');
  printMost(['pass', 'rows that wait', 'oldest', 'keeps up'], rows, 'pass', false);
}

/** What waits for passes now, and how fast it comes and goes by what the ledger knows. */
export function printCurrentBacklogs(backlogs: readonly CurrentBacklog[]): void {
  if (backlogs.length === 0) return;
  const shown = backlogs.filter((one) => !hasNone(one));
  const none = backlogs.filter(hasNone).map(({ pass }) => pass);
  print('');
  if (shown.length > 0) {
    printTable(
      ['pass', 'past their time now', 'oldest'],
      shown.map(({ pass, now }) => [pass, formatRows(now), formatOldest(now)]),
    );
    printPace(shown.map(({ pass, last }) => ({ pass, left: last?.left ?? null, pace: last })));
  }
  if (none.length > 0) {
    const verb = none.length === 1 ? 'has' : 'have';
    print(`${countNouns(none.length, 'pass')} ${verb} no rows past their time: ${listNames(none)}`);
  }
  for (const { pass, why } of backlogs) if (why !== null) print(`${pass}: not known, ${why}`);
}

function hasNone({ now, last }: CurrentBacklog): boolean {
  return now !== null && now.rows === 0 && now.error === 0 && last?.keepsUp !== false;
}

interface PassPace {
  readonly pass: string;
  /** What the run left that the pace is of. */
  readonly left: Backlog | null;
  readonly pace: Pace | null;
}

/** Prints how fast rows come and go, in a table of its own: with what waits it would be wider than a terminal. */
function printPace(paces: readonly PassPace[]): void {
  const rows = paces.flatMap(({ pass, left, pace }) =>
    pace === null || pace.keepsUp === null
      ? []
      : [[pass, pace.expiringPerDay ?? '', pace.removedPerDay ?? '', formatVerdict(left, pace)]],
  );
  if (rows.length === 0) return;
  print('');
  printTable(['pass', 'expiring a day', 'removed a day', 'keeps up'], rows);
}

/** Whether a pass keeps up. Rows that a limit left each night do not grow, and yet nobody may take them for removed. */
function formatVerdict(left: Backlog | null, pace: Pace): string {
  if (pace.keepsUp === null) return '';
  const days = left === null ? null : countDaysBehind(left, pace);
  if (!pace.keepsUp)
    return coloured('yellow', days === null ? 'no' : `no, ${countNouns(days, 'day')} behind`);
  return days === null ? 'yes' : coloured('yellow', `yes, ${countNouns(days, 'day')} behind`);
}

function formatRows(backlog: Backlog | null): string {
  if (backlog === null) return '';
  const { rows, error } = backlog;
  if (error === 0) return formatCount(rows);
  // Twice the error is right nineteen times in twenty.
  if (rows < error) return `at most about ${formatCount(rows + 2 * error)}`;
  return `about ${formatCount(rows)} ± ${formatCount(error)}`;
}

function formatOldest(backlog: Backlog | null): string {
  if (backlog === null || backlog.oldestSeconds === null) return '';
  return `${backlog.atLeast ? 'at least ' : ''}${formatAge(backlog.oldestSeconds)}`;
}

/** An age as `92 days`, `5 hours` or `40 minutes`. */
function formatAge(seconds: number): string {
  return prettyMilliseconds(seconds * 1000, { verbose: true, unitCount: 1, hideYear: true });
}
