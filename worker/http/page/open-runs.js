import { byId, make, replace } from './elements.js';
import { formatCount, formatSeconds, formatTime } from './format.js';

/** @typedef {import('./request.js').Status} Status */
/** @typedef {Status['open'][number]} OpenRun */
/** @typedef {OpenRun['passes'][number]} OpenPass */

/** The elements of each pass. They change in place, because a screen reader would read a new bar again. */
/** @type {Map<string, { bar: HTMLProgressElement, text: HTMLElement }>} */
const shown = new Map();
let structure = '';

/**
 * Shows the open runs.
 *
 * @param {Status} status
 */
export function showOpenRuns({ open, last }) {
  const now = JSON.stringify([
    open.map(({ database, run, state, reason, passes }) => [
      database,
      run,
      state,
      reason,
      passes.map(({ name }) => name),
    ]),
    open.length === 0 ? last : [],
  ]);
  if (now !== structure) {
    structure = now;
    shown.clear();
    replace(byId('open'), ...(open.length === 0 ? [makeEmptyMessage(last)] : open.map(makeRun)));
  }
  for (const run of open) for (const pass of run.passes) showPass(run, pass);
}

/** @param {Status['last']} last */
function makeEmptyMessage(last) {
  const descriptions = last.map(
    ({ policy, run, status, endedAt, rows }) =>
      `the last run of ${policy}, number ${run}, ${formatEnd(status)}${endedAt === null ? '' : ` ${formatTime(endedAt)}`} and deleted ${formatCount(rows)} rows`,
  );
  return make('p', {}, ['No run is open', ...descriptions].join('; '));
}

/** @param {string} status */
function formatEnd(status) {
  return status === 'completed' ? 'was completed' : status === 'failed' ? 'failed' : `was ${status}`;
}

/** @param {OpenRun} run */
function makeRun(run) {
  const { policy, database, run: number, state, reason, startedAt, workflowId } = run;
  const mood = state === 'running' ? 'good' : 'warn';
  const rows = run.passes.map((pass) => makePass(run, pass));
  return make(
    'article',
    { 'aria-label': `Run ${number} of ${policy}` },
    make('h3', {}, `Run ${number} of ${policy}: `, make('span', { class: mood }, state)),
    make(
      'p',
      { class: 'quiet' },
      `since ${formatTime(startedAt)}, database ${database}, workflow ${workflowId}`,
    ),
    ...(reason === null ? [] : [make('p', { class: 'warn' }, reason)]),
    ...rows,
  );
}

/**
 * @param {OpenRun} run
 * @param {OpenPass} pass
 */
function makePass(run, { name }) {
  const bar = make('progress', { max: '100', 'aria-label': `Pass ${name}` });
  const text = make('span', { class: 'quiet' });
  shown.set(buildKey(run, name), { bar, text });
  return make('div', {}, make('div', {}, make('strong', {}, name), ' ', text), bar);
}

/**
 * @param {OpenRun} run
 * @param {OpenPass} pass
 */
function showPass(run, pass) {
  const place = shown.get(buildKey(run, pass.name));
  if (place === undefined) return;
  if (pass.percent === null && pass.status === 'running') place.bar.removeAttribute('value');
  else place.bar.value = pass.percent ?? 0;
  place.text.textContent = formatPass(pass);
}

/**
 * @param {OpenRun} run
 * @param {string} pass
 */
function buildKey({ database, run }, pass) {
  return JSON.stringify([database, run, pass]);
}

/** @param {OpenPass} pass */
function formatPass({ status, rows, percent, rowsPerSecond, etaSeconds, level, waitsFor }) {
  return [
    status,
    `${formatCount(rows)} rows`,
    ...(percent === null ? [] : [`${percent} %${level === null ? '' : ` of level ${level}`}`]),
    ...(waitsFor === null ? formatPace({ rowsPerSecond, etaSeconds }) : [`waits for ${waitsFor}`]),
  ].join(', ');
}

/**
 * A pass that waits has none: its figures are those of its last batch.
 *
 * @param {Pick<OpenPass, 'rowsPerSecond' | 'etaSeconds'>} pass
 */
function formatPace({ rowsPerSecond, etaSeconds }) {
  return [
    ...(rowsPerSecond === null ? [] : [`${formatCount(rowsPerSecond)} rows/s`]),
    ...(etaSeconds === null ? [] : [`${formatSeconds(etaSeconds)} left`]),
  ];
}
