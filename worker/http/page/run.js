import { ask } from './ask.js';
import { byId, make, makeTable, replace } from './elements.js';
import { sayBytes, sayCount, saySeconds, sayTime } from './say.js';

/** @typedef {import('./ask.js').Run} Run */

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

/** The run that the address names; undefined where it names none. */
export function runInAddress() {
  const { database, run } = /^#run\/(?<database>[^/]+)\/(?<run>\d+)$/.exec(location.hash)?.groups ?? {};
  return database === undefined || run === undefined ? undefined : { database, run };
}

/** Shows the run that the address names. */
export async function showRun() {
  const wanted = runInAddress();
  byId('run-section').hidden = wanted === undefined;
  if (wanted === undefined) return;
  byId('run-title').textContent = `Run ${wanted.run}`;
  const run = /** @type {Run} */ (await ask(`api/runs/${wanted.run}?database=${wanted.database}`));
  const deleted = Object.entries(run.deleted).toSorted(([, a], [, b]) => b - a);
  replace(
    byId('run'),
    make('p', {}, sayRun(run)),
    ...run.reasons.map((reason) => make('p', { class: 'warn' }, reason)),
    ...run.notes.map((note) => make('p', { class: 'quiet' }, note)),
    makeTable('Passes, in the order of the policy', HEAD, run.passes.map(cellsOf)),
    ...(deleted.length === 0
      ? []
      : [
          makeTable(
            run.mode === 'preview' ? 'Rows that would go, by table' : 'Rows deleted, by table',
            ['table', 'rows'],
            deleted.map(([table, rows]) => [{ text: table }, { text: sayCount(rows), number: true }]),
          ),
        ]),
  );
}

/** @param {Run} run */
function sayRun({ policy, database, mode, status, startedAt, millis, rows, bytes }) {
  const would = mode === 'preview';
  return [
    `Policy ${policy} on database ${database}, ${would ? 'a preview' : status}`,
    `began ${sayTime(startedAt)} and took ${saySeconds(millis / 1000)}`,
    `${sayCount(rows)} rows ${would ? 'would go' : 'deleted'}`,
    ...(bytes === null ? [] : [`${sayBytes(bytes)} given back`]),
  ].join('; ');
}

/** @param {Run['passes'][number]} pass */
function cellsOf({ name, status, rows, batches, skipped, held, files, bytes, millis, backlog, error }) {
  const left = backlog?.after ?? null;
  return [
    { text: name },
    { text: status, mood: status === 'failed' ? 'bad' : '' },
    { text: sayCount(rows), number: true },
    { text: sayCount(batches), number: true },
    { text: sayCount(skipped), number: true },
    { text: held === 0 ? '' : sayCount(held), number: true },
    { text: files === 0 ? '' : sayCount(files), number: true },
    { text: bytes === 0 ? '' : sayBytes(bytes), number: true },
    { text: saySeconds(millis / 1000), number: true },
    { text: left === null ? '' : sayCount(left.rows), number: true },
    { text: error ?? '', mood: 'bad' },
  ];
}
