import type { Backlog } from './backlog.ts';
import type { EarlierBacklog } from './pace.ts';

const NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Warns that the backlog of a pass grew, with what to do about it. */
export function sayGrowth(pass: string, { run, after: before }: EarlierBacklog, after: Backlog): string {
  return (
    `warning: pass ${pass} does not keep up: ${sayRows(after)} rows are past their time and still there, ` +
    `${sayRows(before)} after run ${run}. ` +
    'They grow until runs are more frequent or may do more (schedule, limits, pauses), or more rows may go'
  );
}

function sayRows({ rows, error }: Backlog): string {
  return `${error === 0 ? '' : 'about '}${NUMBER.format(rows)}`;
}
