import { makeChart } from './chart.js';
import { byId, make, makeTable, replace } from './elements.js';
import {
  formatBytes,
  formatCount,
  formatInstants,
  formatSeconds,
  formatStatus,
  formatTime,
} from './format.js';

/** @typedef {import('./request.js').Runs} Runs */
/** @typedef {import('./request.js').Status} Status */
/** @typedef {Runs['runs'][number]} RunSummary */

const HEAD = ['run', 'policy', 'status', 'why', 'started', 'time', 'rows', 'given back', 'files'];

/** @type {Readonly<Record<string, string>>} */
const MOODS = { completed: 'good', running: 'good', failed: 'bad' };
/** Runs that somebody must look at: the charts mark them. */
const UNSUCCESSFUL = new Set(['failed', 'stopped-by-guard']);

/** @type {readonly RunSummary[]} */
let last = [];

/**
 * Shows the runs, the newest first. An open run has the state and the reason that its workflow gives.
 *
 * @param {Runs} response
 * @param {Status['open']} open
 */
export function showHistory({ runs }, open) {
  last = runs;
  const rows = runs
    .map((one) => describeNow(one, open))
    .map((run) => [
      { text: make('a', { href: buildHash(run) }, `${run.run}`) },
      { text: run.policy, mood: 'name' },
      {
        text: run.mode === 'preview' ? 'preview, deleted nothing' : formatStatus(run.status),
        mood: MOODS[run.status] ?? 'warn',
      },
      { text: shortenReason(formatInstants(run.reason ?? '')), mood: 'text' },
      { text: formatTime(run.startedAt), mood: 'time' },
      { text: formatSeconds(run.millis / 1000), number: true, mood: 'time' },
      { text: formatCount(run.rows), number: true },
      { text: run.bytes === null || run.bytes === 0 ? '' : formatBytes(run.bytes), number: true },
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

/**
 * @param {RunSummary} run
 * @param {Status['open']} open
 * @returns {Omit<RunSummary, 'status'> & { status: string }}
 */
function describeNow(run, open) {
  const now = open.find(({ database, run: number }) => database === run.database && number === run.run);
  return now === undefined || run.endedAt !== null
    ? run
    : { ...run, status: now.state, reason: now.reason ?? run.reason };
}

/**
 * The first sentence of a reason: what to do about it stands with the run.
 *
 * @param {string} reason
 */
function shortenReason(reason) {
  return reason.split('. ', 1)[0] ?? '';
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
        : [{ at: Date.parse(run.startedAt), value: found, name, failed: UNSUCCESSFUL.has(run.status) }];
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

/** @param {Pick<RunSummary, 'database' | 'run'>} run */
function buildHash({ database, run }) {
  return `#run/${encodeURIComponent(database)}/${run}`;
}
