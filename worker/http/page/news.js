import { byId } from './elements.js';
import { sayCount } from './say.js';

/** @typedef {import('./ask.js').Status} Status */

/** @type {Status | undefined} */
let before;

/**
 * Tells a screen reader what changed: runs that begin, rest and end, and the pass that is reached; never numbers that
 * change all the time.
 *
 * @param {Status} status
 */
export function tellNews(status) {
  const was = before;
  // Of a database that is away nobody knows whether its runs are over.
  const unknown = was?.open.filter(({ database }) => isMissing(status, database)) ?? [];
  before = { ...status, open: [...status.open, ...unknown] };
  if (was === undefined) return;
  const news = [...status.open.flatMap((run) => newsOf(run, was)), ...endsOf(status, was)];
  if (news.length > 0) tell(news.join('. '));
}

/** @param {string} text */
export function tell(text) {
  byId('news').textContent = text;
}

/**
 * @param {Status['open'][number]} run
 * @param {Status} was
 */
function newsOf(run, was) {
  const known = was.open.find((one) => isSame(one, run));
  const name = `Run ${run.run} of ${run.policy}`;
  if (known === undefined) return [`${name} has begun`];
  if (known.state !== run.state) return [`${name} is ${run.state}`];
  const pass = passOf(run);
  return pass === undefined || pass === passOf(known) ? [] : [`${name} is at pass ${pass}`];
}

/**
 * @param {Status} status
 * @param {Status} was
 */
function endsOf(status, was) {
  return was.open
    .filter((run) => !isMissing(status, run.database) && !status.open.some((one) => isSame(one, run)))
    .map((run) => {
      const end = status.last.find((one) => isSame(one, run));
      const name = `Run ${run.run} of ${run.policy}`;
      return end === undefined
        ? `${name} is over`
        : `${name} is over: ${end.status}, ${sayCount(end.rows)} rows`;
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
function passOf({ passes }) {
  return passes.find(({ status }) => status === 'running')?.name;
}
