import { byId, make, makeTable, replace } from './elements.js';
import { sayTime } from './say.js';

/** @typedef {import('./ask.js').Policies} Policies */
/** @typedef {Policies['policies'][number]} Policy */

const HEAD = ['policy', 'state', 'next run', 'when', 'passes'];

/**
 * Shows policies and their schedules.
 *
 * @param {Policies} answer
 */
export function showPolicies({ policies }) {
  const rows = policies.map((policy) => {
    const { mood, says } = stateOf(policy);
    return [
      { text: policy.name },
      { text: says, mood },
      { text: sayNext(policy) },
      { text: policy.when },
      { text: policy.passes.map(({ name }) => name).join(', ') },
    ];
  });
  const none = make('p', {}, 'This worker has no policies');
  replace(
    byId('policies'),
    rows.length === 0 ? none : makeTable('Policies of this worker and their schedules', HEAD, rows),
  );
}

/** @param {Policy} policy */
function stateOf({ enabled, schedule }) {
  if (!enabled) return { mood: 'warn', says: 'not enabled: its runs delete nothing' };
  if (schedule === null) return { mood: 'warn', says: 'no schedule is applied' };
  if (schedule.state === 'active') return { mood: 'good', says: 'active' };
  return { mood: 'warn', says: schedule.note === '' ? 'paused' : `paused: ${schedule.note}` };
}

/** @param {Policy} policy */
function sayNext({ schedule }) {
  const next = schedule?.nextRuns[0];
  return next === undefined ? 'none' : sayTime(next);
}
