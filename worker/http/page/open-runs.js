import { byId, make, replace } from './elements.js';
import { sayCount, saySeconds, sayTime } from './say.js';

/** @typedef {import('./ask.js').Status} Status */
/** @typedef {Status['open'][number]} OpenRun */
/** @typedef {OpenRun['passes'][number]} OpenPass */

/** What is on the page of each pass, to be changed in place: a bar that was made anew would be read anew. */
/** @type {Map<string, { bar: HTMLProgressElement, says: HTMLElement }>} */
const shown = new Map();
let structure = '';

/**
 * Shows what is under way.
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
    replace(byId('open'), ...(open.length === 0 ? [sayNothing(last)] : open.map(makeRun)));
  }
  for (const run of open) for (const pass of run.passes) showPass(run, pass);
}

/** @param {Status['last']} last */
function sayNothing(last) {
  const said = last.map(
    ({ policy, run, status, endedAt, rows }) =>
      `the last run of ${policy}, number ${run}, ${sayEnd(status)}${endedAt === null ? '' : ` ${sayTime(endedAt)}`} and deleted ${sayCount(rows)} rows`,
  );
  return make('p', {}, ['No run is open', ...said].join('; '));
}

/** @param {string} status */
function sayEnd(status) {
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
      `since ${sayTime(startedAt)}, database ${database}, workflow ${workflowId}`,
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
  const says = make('span', { class: 'quiet' });
  shown.set(keyOf(run, name), { bar, says });
  return make('div', {}, make('div', {}, make('strong', {}, name), ' ', says), bar);
}

/**
 * @param {OpenRun} run
 * @param {OpenPass} pass
 */
function showPass(run, pass) {
  const place = shown.get(keyOf(run, pass.name));
  if (place === undefined) return;
  if (pass.percent === null && pass.status === 'running') place.bar.removeAttribute('value');
  else place.bar.value = pass.percent ?? 0;
  place.says.textContent = sayPass(pass);
}

/**
 * @param {OpenRun} run
 * @param {string} pass
 */
function keyOf({ database, run }, pass) {
  return JSON.stringify([database, run, pass]);
}

/** @param {OpenPass} pass */
function sayPass({ status, rows, percent, rowsPerSecond, etaSeconds, level, waitsFor }) {
  return [
    status,
    `${sayCount(rows)} rows`,
    ...(percent === null ? [] : [`${percent} %${level === null ? '' : ` of level ${level}`}`]),
    ...(rowsPerSecond === null ? [] : [`${sayCount(rowsPerSecond)} rows/s`]),
    ...(etaSeconds === null ? [] : [`${saySeconds(etaSeconds)} left`]),
    ...(waitsFor === null ? [] : [`waits for ${waitsFor}`]),
  ].join(', ');
}
