import { byId, make, makeFolded, makeTable, replace } from './elements.js';
import {
  formatBytes,
  formatCount,
  formatInstants,
  formatNoun,
  formatSeconds,
  formatStatus,
  formatTime,
} from './format.js';
import { request } from './request.js';

/** @typedef {import('./request.js').Run} Run */

const HEAD = [
  'pass',
  'status',
  'rows',
  'batches',
  'skipped',
  'kept by hold',
  'files',
  'given back',
  'time',
  'past their time, left',
  'error',
];

/** Returns the run in the address. Undefined if there is none. */
export function readAddress() {
  const { database, run } = /^#run\/(?<database>[^/]+)\/(?<run>\d+)$/.exec(location.hash)?.groups ?? {};
  return database === undefined || run === undefined ? undefined : { database, run };
}

/**
 * Shows the run in the address. An open run has the state that its workflow gives.
 *
 * @param {import('./request.js').Status['open']} open
 */
export async function showRun(open) {
  const wanted = readAddress();
  byId('run-section').hidden = wanted === undefined;
  if (wanted === undefined) return;
  byId('run-title').textContent = `Run ${wanted.run}`;
  const run = /** @type {Run} */ (await request(`api/runs/${wanted.run}?database=${wanted.database}`));
  const deleted = Object.entries(run.deleted).toSorted(([, a], [, b]) => b - a);
  replace(
    byId('run'),
    make('p', {}, formatRun(run, findState(run, open))),
    ...run.reasons.map((reason) => make('p', { class: 'warn' }, formatInstants(reason))),
    ...run.notes.map((note) => make('p', { class: 'quiet' }, formatInstants(note))),
    ...makePasses(run),
    ...(deleted.length === 0
      ? []
      : [
          makeTable(
            run.mode === 'preview' ? 'Rows that would go, by table' : 'Rows deleted, by table',
            ['table', 'rows'],
            deleted.map(([table, rows]) => [{ text: table }, { text: formatCount(rows), number: true }]),
          ),
        ]),
  );
}

/**
 * Makes a table of the passes that did something, and one line for the others.
 *
 * @param {Run} run
 */
function makePasses({ database, run, passes }) {
  const active = passes.filter(hasNews);
  const quiet = passes.filter((pass) => !hasNews(pass));
  const waiting = quiet.filter(({ status }) => status === 'planned');
  const idle = quiet.filter(({ status }) => status !== 'planned');
  const names = idle.map(({ name, status }) => (status === 'completed' ? name : `${name}: ${status}`));
  const key = `run ${database} ${run}`;
  return [
    ...(active.length === 0
      ? []
      : [makeTable('Passes, in the order of the policy', HEAD, active.map(makeCells))]),
    ...makeList(key, names, 'had nothing to do'),
    // A guard stopped the run before them, or it is not as far yet.
    ...makeList(
      `${key} waiting`,
      waiting.map(({ name }) => name),
      waiting.length === 1 ? 'has not begun' : 'have not begun',
    ),
  ];
}

/**
 * Makes one line for passes, if there are any.
 *
 * @param {string} key
 * @param {readonly string[]} names
 * @param {string} what
 */
function makeList(key, names, what) {
  if (names.length === 0) return [];
  return [makeFolded(key, `${formatNoun(names.length, 'pass', 'passes')} ${what}`, names)];
}

/** @param {Run['passes'][number]} pass */
function hasNews({ status, rows, moved, skipped, held, files, bytes, reported, error }) {
  const ended = ['completed', 'previewed', 'not-applicable', 'planned'].includes(status);
  const counts = [rows, moved, skipped, held, files, bytes, reported?.found ?? 0];
  return !ended || error !== null || counts.some((count) => count !== 0);
}

/**
 * @param {Run} run
 * @param {import('./request.js').Status['open']} open
 */
function findState({ database, run, status, endedAt }, open) {
  const now = open.find((one) => one.database === database && one.run === run);
  return endedAt === null ? (now?.state ?? status) : status;
}

/**
 * @param {Run} run
 * @param {string} state
 */
function formatRun({ policy, database, mode, startedAt, endedAt, millis, rows, bytes }, state) {
  const would = mode === 'preview';
  const time = formatSeconds(millis / 1000);
  return [
    `Policy ${policy} on database ${database}, ${would ? 'a preview' : formatStatus(state)}`,
    `began ${formatTime(startedAt)}, ${endedAt === null ? `${time} so far` : `took ${time}`}`,
    `${formatNoun(rows, 'row')} ${would ? 'would go' : 'deleted'}`,
    ...(bytes === null || bytes === 0 ? [] : [`${formatBytes(bytes)} given back`]),
  ].join('; ');
}

/** @param {Run['passes'][number]} pass */
function makeCells({ name, status, rows, batches, skipped, held, files, bytes, millis, backlog, error }) {
  const left = backlog?.after ?? null;
  return [
    { text: name },
    { text: status, mood: status === 'failed' ? 'bad' : '' },
    { text: formatCount(rows), number: true },
    { text: formatCount(batches), number: true },
    { text: skipped === 0 ? '' : formatCount(skipped), number: true },
    { text: held === 0 ? '' : formatCount(held), number: true },
    { text: files === 0 ? '' : formatCount(files), number: true },
    { text: bytes === 0 ? '' : formatBytes(bytes), number: true },
    { text: formatSeconds(millis / 1000), number: true },
    { text: left === null || left.rows === 0 ? '' : formatCount(left.rows), number: true },
    { text: error ?? '', mood: 'bad text' },
  ];
}
