import { makeChart } from './chart.js';
import { byId, make, makeTable, replace } from './elements.js';
import { formatBytes, formatCount, formatSeconds, formatTime } from './format.js';

/** @typedef {import('./request.js').Runs} Runs */
/** @typedef {Runs['runs'][number]} RunSummary */

const HEAD = ['run', 'policy', 'status', 'started', 'time', 'rows', 'given back', 'files'];

/** @type {readonly RunSummary[]} */
let last = [];

/**
 * Shows the runs, the newest first.
 *
 * @param {Runs} response
 */
export function showHistory({ runs }) {
  last = runs;
  const rows = runs.map((run) => [
    { text: make('a', { href: buildHash(run) }, `${run.run}`) },
    { text: run.policy },
    {
      text: run.mode === 'preview' ? 'preview, deleted nothing' : run.status,
      mood: run.status === 'completed' ? 'good' : run.status === 'failed' ? 'bad' : 'warn',
    },
    { text: formatTime(run.startedAt) },
    { text: formatSeconds(run.millis / 1000), number: true },
    { text: formatCount(run.rows), number: true },
    { text: run.bytes === null ? '' : formatBytes(run.bytes), number: true },
    {
      text: run.files === 0 ? '' : `${formatCount(run.files)}, ${formatBytes(run.spaceReclaimed)}`,
      number: true,
    },
  ]);
  replace(
    byId('history'),
    rows.length === 0 ? make('p', {}, 'No runs yet') : makeTable('Runs, the newest first', HEAD, rows),
  );
  drawCharts();
}

/** Draws the charts as wide as the page allows. */
export function drawCharts() {
  const runs = last.filter(({ mode, endedAt }) => mode === 'execute' && endedAt !== null).toReversed();
  const makePoints = (/** @type {(run: RunSummary) => number | null} */ value) =>
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
      makePoints(({ rows }) => rows),
      formatCount,
      each,
    ),
    ...makeChart(
      'Bytes given back by each run',
      makePoints(({ bytes }) => bytes),
      formatBytes,
      each,
    ),
  );
}

/** @param {RunSummary} run */
function buildHash({ database, run }) {
  return `#run/${encodeURIComponent(database)}/${run}`;
}
