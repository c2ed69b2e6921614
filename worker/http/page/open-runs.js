import { byId, make, makeFolded, makeSentence, replace } from './elements.js';
import {
  formatCount,
  formatInstants,
  formatNoun,
  formatSeconds,
  formatStatus,
  formatTime,
} from './format.js';
import { makeButtons } from './steering.js';

/** @typedef {import('./request.js').Status} Status */
/** @typedef {Status['open'][number]} OpenRun */
/** @typedef {OpenRun['passes'][number]} OpenPass */

/** The elements of each running pass. They change in place, because a screen reader would read a new bar again. */
/** @type {Map<string, { bar: HTMLProgressElement, percent: HTMLElement, text: HTMLElement }>} */
const shown = new Map();
let structure = '';

/**
 * Shows the open runs.
 *
 * @param {Status} status
 */
export function showOpenRuns({ open, last, never, missing }) {
  const now = JSON.stringify([
    open.map(({ database, run, state, reason, workflowUrl, passes }) => [
      database,
      run,
      state,
      reason,
      workflowUrl,
      passes.map(({ name, status }) => [name, status]),
    ]),
    open.length === 0 ? [last, never, missing.length] : [],
  ]);
  if (now !== structure) {
    structure = now;
    shown.clear();
    replace(
      byId('open'),
      ...(open.length === 0 ? makeLastRuns(last, never, missing.length > 0) : open.map(makeRun)),
    );
  }
  for (const run of open) for (const pass of run.passes) showPass(run, pass);
}

/** The policies without a run that one sentence names, those first whose runs are missed. */
const MOST_NAMES = 3;

/**
 * @param {Status['last']} last
 * @param {Status['never']} never
 * @param {boolean} isPart whether a database does not respond
 */
function makeLastRuns(last, never, isPart) {
  const names = never
    .toSorted((one, other) => Number(other.enabled) - Number(one.enabled))
    .slice(0, MOST_NAMES)
    .map(({ policy, enabled }) => (enabled ? policy : `${policy} (disabled)`));
  const isMissed = never.some(({ enabled }) => enabled);
  const more = never.length > MOST_NAMES ? ` and ${formatCount(never.length - MOST_NAMES)} more` : '';
  return [
    make('p', { class: 'state' }, describeNone(last.length === 0, isPart)),
    ...last.map(({ policy, run, status, endedAt, rows, reason }) => {
      const ended = endedAt === null ? '' : ` ${formatTime(endedAt)}`;
      const text = `The last run of ${policy}, number ${run}, ${formatEnd(status)}${ended} and deleted ${formatNoun(rows, 'row')}`;
      const why = reason === null ? '' : `: ${formatInstants(reason)}`;
      return make('p', { class: status === 'completed' ? '' : 'warn' }, `${text}${why}`);
    }),
    ...(last.length === 0 || never.length === 0
      ? []
      : [make('p', { class: isMissed ? 'warn' : '' }, `No run has ended yet of ${names.join(', ')}${more}`)]),
  ];
}

/**
 * @param {boolean} isFirst whether no run has ended
 * @param {boolean} isPart
 */
function describeNone(isFirst, isPart) {
  const none = isPart ? 'No run is open in the databases that respond' : 'No run is open';
  return isFirst ? `${none}, and none has ended yet` : none;
}

/** @param {string} status */
function formatEnd(status) {
  return status === 'completed'
    ? 'was completed'
    : status === 'failed'
      ? 'failed'
      : `was ${formatStatus(status)}`;
}

/** @param {OpenRun} run */
function makeRun(run) {
  const { policy, database, run: number, state, reason, startedAt, passes } = run;
  const mood = state === 'running' ? 'good' : 'warn';
  const running = passes.filter(({ status }) => status === 'running');
  const planned = passes.filter(({ status }) => status === 'planned');
  const failed = passes.filter(({ status }) => status === 'failed');
  const done = passes.filter((pass) => ![...running, ...planned, ...failed].includes(pass));
  const key = `${database} ${number}`;
  return make(
    'article',
    { 'aria-label': `Run ${number} of ${policy}` },
    make(
      'h3',
      { class: 'state' },
      `Run ${number} of ${policy}: `,
      make('span', { class: mood }, formatStatus(state)),
    ),
    ...(reason === null ? [] : [make('p', { class: 'warn' }, ...makeSentence(formatInstants(reason)))]),
    ...running.map((pass) => makePass(run, pass)),
    ...failed.map(({ name }) => make('p', { class: 'bad' }, `Pass ${name} failed`)),
    ...makePasses(`${key} done`, done, 'done', ({ name, status, rows }) =>
      status === 'completed' ? `${name}: ${formatNoun(rows, 'row')}` : `${name}: ${status}`,
    ),
    ...makePasses(`${key} planned`, planned, 'planned', ({ name, waitsFor }) =>
      waitsFor === null ? name : `${name}: waits for ${formatInstants(waitsFor)}`,
    ),
    ...(run.canSteer ? makeButtons(run) : []),
    make(
      'p',
      { class: 'quiet' },
      `since ${formatTime(startedAt)}, database ${database}, workflow `,
      makeWorkflow(run),
    ),
  );
}

/** @param {OpenRun} run */
function makeWorkflow({ workflowId, workflowUrl }) {
  if (workflowUrl === null) return workflowId;
  return make('a', { href: workflowUrl, target: '_blank', rel: 'noreferrer' }, workflowId);
}

/**
 * Makes one line for passes that do not run now.
 *
 * @param {string} key
 * @param {readonly OpenPass[]} passes
 * @param {string} state
 * @param {(pass: OpenPass) => string} format
 */
function makePasses(key, passes, state, format) {
  if (passes.length === 0) return [];
  const rows = passes.reduce((sum, pass) => sum + pass.rows, 0);
  const verb = passes.length === 1 ? 'is' : 'are';
  const summary = `${formatNoun(passes.length, 'pass', 'passes')} ${verb} ${state}${rows === 0 ? '' : `: ${formatNoun(rows, 'row')}`}`;
  return [makeFolded(key, summary, passes.map(format))];
}

/**
 * @param {OpenRun} run
 * @param {OpenPass} pass
 */
function makePass(run, { name }) {
  const bar = make('progress', { max: '100', 'aria-label': `Pass ${name}` });
  const percent = make('span', { class: 'percent' });
  const text = make('p', {});
  shown.set(buildKey(run, name), { bar, percent, text });
  return make(
    'div',
    { class: 'now' },
    make('p', { class: 'pass' }, make('strong', {}, name), percent),
    bar,
    text,
  );
}

/**
 * @param {OpenRun} run
 * @param {OpenPass} pass
 */
function showPass(run, pass) {
  const place = shown.get(buildKey(run, pass.name));
  if (place === undefined) return;
  if (pass.percent === null) place.bar.removeAttribute('value');
  else place.bar.value = pass.percent;
  place.percent.textContent = pass.percent === null ? '' : `${pass.percent} %`;
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
function formatPass({ rows, rowsPerSecond, etaSeconds, level, waitsFor }) {
  return [
    formatNoun(rows, 'row'),
    ...(level === null ? [] : [`percent of level ${level}`]),
    ...(waitsFor === null
      ? formatPace({ rowsPerSecond, etaSeconds })
      : [`waits for ${formatInstants(waitsFor)}`]),
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
