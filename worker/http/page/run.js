import { byId, make, makeTable, replace } from './elements.js';
import { formatBytes, formatCount, formatSeconds, formatTime } from './format.js';
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

/** Shows the run in the address. */
export async function showRun() {
  const wanted = readAddress();
  byId('run-section').hidden = wanted === undefined;
  if (wanted === undefined) return;
  byId('run-title').textContent = `Run ${wanted.run}`;
  const run = /** @type {Run} */ (await request(`api/runs/${wanted.run}?database=${wanted.database}`));
  const deleted = Object.entries(run.deleted).toSorted(([, a], [, b]) => b - a);
  replace(
    byId('run'),
    make('p', {}, formatRun(run)),
    ...run.reasons.map((reason) => make('p', { class: 'warn' }, reason)),
    ...run.notes.map((note) => make('p', { class: 'quiet' }, note)),
    makeTable('Passes, in the order of the policy', HEAD, run.passes.map(makeCells)),
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

/** @param {Run} run */
function formatRun({ policy, database, mode, status, startedAt, millis, rows, bytes }) {
  const would = mode === 'preview';
  return [
    `Policy ${policy} on database ${database}, ${would ? 'a preview' : status}`,
    `began ${formatTime(startedAt)} and took ${formatSeconds(millis / 1000)}`,
    `${formatCount(rows)} rows ${would ? 'would go' : 'deleted'}`,
    ...(bytes === null ? [] : [`${formatBytes(bytes)} given back`]),
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
    { text: formatCount(skipped), number: true },
    { text: held === 0 ? '' : formatCount(held), number: true },
    { text: files === 0 ? '' : formatCount(files), number: true },
    { text: bytes === 0 ? '' : formatBytes(bytes), number: true },
    { text: formatSeconds(millis / 1000), number: true },
    { text: left === null ? '' : formatCount(left.rows), number: true },
    { text: error ?? '', mood: 'bad' },
  ];
}
