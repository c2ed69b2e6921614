import { byId, make, makeFolded, makeLongTable, replace } from './elements.js';
import { formatInstants, formatNoun, formatZonedTime } from './format.js';

/** @typedef {import('./request.js').Policies} Policies */
/** @typedef {Policies['policies'][number]} Policy */

const HEAD = ['policy', 'state', 'next run', 'when', 'passes'];

/**
 * Shows policies and their schedules.
 *
 * @param {Policies} response
 */
export function showPolicies({ policies }) {
  const rows = sortPolicies(policies).map((policy) => {
    const { mood, text } = describeState(policy);
    return [
      { text: policy.name },
      { text, mood },
      { text: formatNextRun(policy), mood: 'time' },
      { text: policy.when, mood: 'when' },
      { text: makePasses(policy) },
    ];
  });
  const none = make('p', {}, 'This worker has no policies');
  replace(
    byId('policies'),
    ...(rows.length === 0
      ? [none]
      : makeLongTable('Policies of this worker and their schedules', HEAD, rows, ['policy', 'policies'])),
  );
}

/**
 * Sorts policies: enabled ones that do not run by themselves now come first, and those that are not enabled last.
 *
 * @param {readonly Policy[]} policies
 */
function sortPolicies(policies) {
  return policies.toSorted((one, other) => rankPolicy(one) - rankPolicy(other));
}

/** @param {Policy} policy */
function rankPolicy(policy) {
  return policy.enabled ? Number(describeState(policy).mood === 'good') : 2;
}

/** @param {Policy} policy */
function makePasses({ name, passes }) {
  const names = passes.map((pass) => pass.name);
  if (names.length <= 2) return names.join(', ');
  return makeFolded(`policy ${name}`, formatNoun(names.length, 'pass', 'passes'), names);
}

/** @param {Policy} policy */
function describeState({ name, enabled, schedule, waitsFor }) {
  const waits = waitsFor === null ? '' : `a run waits to begin: ${formatInstants(waitsFor)}`;
  if (!enabled) return { mood: 'warn', text: describeDisabled() };
  if (schedule === null) return { mood: 'warn', text: describeNoSchedule(name, waits) };
  const isActive = schedule.state === 'active';
  const state = isActive || schedule.note === '' ? schedule.state : `paused: ${schedule.note}`;
  return {
    mood: isActive && waits === '' ? 'good' : 'warn',
    text: waits === '' ? state : `${state}; ${waits}`,
  };
}

/**
 * @param {string} name
 * @param {string} waits
 */
function describeNoSchedule(name, waits) {
  const program = make('code', {}, 'temporal-vacuum');
  const run = waits === '' ? '' : `. Started by hand, ${waits}`;
  return make('span', {}, 'no schedule is applied. To apply it: ', program, ` schedule apply ${name}`, run);
}

function describeDisabled() {
  const inPreset = make('code', {}, '--set enabled=true');
  const inFile = make('code', {}, 'enabled: true');
  return make(
    'span',
    {},
    'not enabled: its runs delete nothing. Enable it with ',
    inPreset,
    ' (a preset) or ',
    inFile,
    ' in definePolicy',
  );
}

/** @param {Policy} policy */
function formatNextRun({ schedule }) {
  const next = schedule?.nextRuns[0];
  return next === undefined ? 'none' : formatZonedTime(next);
}
