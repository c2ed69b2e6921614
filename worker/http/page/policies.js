import { byId, make, makeFolded, makeTable, replace } from './elements.js';
import { formatNoun, formatZonedTime } from './format.js';

/** @typedef {import('./request.js').Policies} Policies */
/** @typedef {Policies['policies'][number]} Policy */

const HEAD = ['policy', 'state', 'next run', 'when', 'passes'];

/**
 * Shows policies and their schedules.
 *
 * @param {Policies} response
 */
export function showPolicies({ policies }) {
  const rows = policies.map((policy) => {
    const { mood, text } = describeState(policy);
    return [
      { text: policy.name },
      { text, mood },
      { text: formatNextRun(policy), mood: 'time' },
      { text: policy.when, mood: 'name' },
      { text: makePasses(policy) },
    ];
  });
  const none = make('p', {}, 'This worker has no policies');
  replace(
    byId('policies'),
    rows.length === 0 ? none : makeTable('Policies of this worker and their schedules', HEAD, rows),
  );
}

/** @param {Policy} policy */
function makePasses({ name, passes }) {
  const names = passes.map((pass) => pass.name);
  if (names.length <= 2) return names.join(', ');
  return makeFolded(`policy ${name}`, formatNoun(names.length, 'pass', 'passes'), names);
}

/** @param {Policy} policy */
function describeState({ enabled, schedule }) {
  if (!enabled)
    return {
      mood: 'warn',
      text: 'not enabled: its runs delete nothing. Enable it with --set enabled=true (a preset) or enabled: true in definePolicy',
    };
  if (schedule === null) return { mood: 'warn', text: 'no schedule is applied' };
  if (schedule.state === 'active') return { mood: 'good', text: 'active' };
  return { mood: 'warn', text: schedule.note === '' ? 'paused' : `paused: ${schedule.note}` };
}

/** @param {Policy} policy */
function formatNextRun({ schedule }) {
  const next = schedule?.nextRuns[0];
  return next === undefined ? 'none' : formatZonedTime(next);
}
