import { makeChart } from './chart.js';
import { byId, make, makeTable, replace } from './elements.js';
import { sayBytes, sayCount, saySeconds, sayTime } from './say.js';

/** @typedef {import('./ask.js').Runs} Runs */
/** @typedef {Runs['runs'][number]} RunSummary */

const HEAD = ['run', 'policy', 'status', 'started', 'time', 'rows', 'given back', 'files'];

/** @type {readonly RunSummary[]} */
let last = [];

/**
 * Shows the runs, the newest first.
 *
 * @param {Runs} answer
 */
export function showHistory({ runs }) {
  last = runs;
  const rows = runs.map((run) => [
    { text: make('a', { href: hashOf(run) }, `${run.run}`) },
    { text: run.policy },
    {
      text: run.mode === 'preview' ? 'preview, deleted nothing' : run.status,
      mood: run.status === 'completed' ? 'good' : run.status === 'failed' ? 'bad' : 'warn',
    },
    { text: sayTime(run.startedAt) },
    { text: saySeconds(run.millis / 1000), number: true },
    { text: sayCount(run.rows), number: true },
    { text: run.bytes === null ? '' : sayBytes(run.bytes), number: true },
    {
      text: run.files === 0 ? '' : `${sayCount(run.files)}, ${sayBytes(run.spaceReclaimed)}`,
      number: true,
    },
  ]);
  replace(
    byId('history'),
    rows.length === 0 ? make('p', {}, 'No runs yet') : makeTable('Runs, the newest first', HEAD, rows),
  );
  drawCharts();
}

/** Draws the charts as wide as there is room. */
export function drawCharts() {
  const runs = last.filter(({ mode, endedAt }) => mode === 'execute' && endedAt !== null).toReversed();
  const of = (/** @type {(run: RunSummary) => number | null} */ value) =>
    runs.flatMap((run) => {
      const found = value(run);
      const name = `run ${run.run} of ${run.policy}, ${run.status}`;
      return found === null
        ? []
        : [{ at: Date.parse(run.startedAt), value: found, name, failed: run.status === 'failed' }];
    });
  const width = byId('charts').clientWidth;
  const each = width >= 784 ? (width - 16) / 2 : width;
  byId('charts').replaceChildren(
    ...makeChart(
      'Rows deleted by each run',
      of(({ rows }) => rows),
      sayCount,
      each,
    ),
    ...makeChart(
      'Bytes given back by each run',
      of(({ bytes }) => bytes),
      sayBytes,
      each,
    ),
  );
}

/** @param {RunSummary} run */
function hashOf({ database, run }) {
  return `#run/${encodeURIComponent(database)}/${run}`;
}
