import { byId } from './elements.js';
import { formatInstants, formatNoun, formatStatus } from './format.js';

/** @typedef {import('./request.js').Status} Status */

/** @type {Status | undefined} */
let before;

/**
 * Announces changes to a screen reader: a run begins, pauses, ends or reaches another pass. Leaves out numbers, because
 * they change all the time.
 *
 * @param {Status} status
 */
export function announceChanges(status) {
  const was = before;
  // A database that does not respond cannot say whether its runs have ended.
  const unknown = was?.open.filter(({ database }) => isMissing(status, database)) ?? [];
  before = { ...status, open: [...status.open, ...unknown] };
  if (was === undefined) return;
  const news = [...status.open.flatMap((run) => describeChange(run, was)), ...describeEnds(status, was)];
  if (news.length > 0) announce(news.join('. '));
}

/** @param {string} text */
export function announce(text) {
  byId('news').textContent = text;
}

/**
 * @param {Status['open'][number]} run
 * @param {Status} was
 */
function describeChange(run, was) {
  const known = was.open.find((one) => isSame(one, run));
  const name = `Run ${run.run} of ${run.policy}`;
  if (known === undefined) return [`${name} has begun`];
  if (known.state !== run.state) return [describeState(name, run)];
  const pass = findRunningPass(run);
  return pass === undefined || pass === findRunningPass(known) ? [] : [`${name} is at pass ${pass}`];
}

/**
 * @param {string} name
 * @param {Status['open'][number]} run
 */
function describeState(name, { state, reason }) {
  const known = formatStatus(state);
  return known === state
    ? `${name} is ${state}`
    : `How ${name} stands is ${known}: ${formatInstants(reason ?? '')}`;
}

/**
 * @param {Status} status
 * @param {Status} was
 */
function describeEnds(status, was) {
  return was.open
    .filter((run) => !isMissing(status, run.database) && !status.open.some((one) => isSame(one, run)))
    .map((run) => {
      const end = status.last.find((one) => isSame(one, run));
      const name = `Run ${run.run} of ${run.policy}`;
      return end === undefined
        ? `${name} has ended`
        : `${name} has ended: ${formatStatus(end.status)}, ${formatNoun(end.rows, 'row')}`;
    });
}

/**
 * @param {Status} status
 * @param {string} name
 */
function isMissing({ missing }, name) {
  return missing.some(({ database }) => database === name);
}

/**
 * @param {{ database: string, run: number }} a
 * @param {{ database: string, run: number }} b
 */
function isSame(a, b) {
  return a.database === b.database && a.run === b.run;
}

/** @param {Status['open'][number]} run */
function findRunningPass({ passes }) {
  return passes.find(({ status }) => status === 'running')?.name;
}
