import { byId, make, makeTable, replace } from './elements.js';
import { formatSeconds } from './format.js';

/** @typedef {import('./request.js').Workers} Workers */

const HEAD = ['worker', 'polls for', 'last poll'];
/** A worker that lives polls at least once a minute. Temporal lists a dead one for some minutes more. */
const SILENT_SECONDS = 90;

/**
 * Shows the workers that Temporal saw on the task queue, with a warning for those that poll no more.
 *
 * @param {Workers} workers
 */
export function showPollers({ at, self, taskQueue, pollers }) {
  const rows = pollers.map(({ identity, polls, lastAccessAt }) => {
    const seconds =
      lastAccessAt === null
        ? SILENT_SECONDS
        : Math.max(0, (Date.parse(at) - Date.parse(lastAccessAt)) / 1000);
    const isSilent = seconds >= SILENT_SECONDS;
    return [
      { text: identity === self.identity ? `${identity}, which serves this page` : identity },
      { text: polls.map((kind) => (kind === 'workflow' ? 'workflows' : 'activities')).join(' and ') },
      {
        text: `${lastAccessAt === null ? 'unknown' : `${formatSeconds(seconds)} ago`}${isSilent ? ': it does not work any more, or only finishes its last work' : ''}`,
        mood: isSilent ? 'warn' : 'good',
      },
    ];
  });
  const none = make('p', { class: 'bad' }, `No worker polls task queue ${taskQueue}: no run can begin.`);
  const caption = `Workers that Temporal saw on task queue ${taskQueue} in the last minutes`;
  replace(byId('workers'), rows.length === 0 ? none : makeTable(caption, HEAD, rows));
}
