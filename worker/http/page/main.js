import { announce, announceChanges } from './announcements.js';
import { byId } from './elements.js';
import { describeZone, formatClock, formatSeconds } from './format.js';
import { drawCharts, showHistory } from './history.js';
import { showOpenRuns } from './open-runs.js';
import { showPolicies } from './policies.js';
import { request, keepToken, RequestFailed, TokenRequired } from './request.js';
import { readAddress, showRun } from './run.js';
import { setUpSteering, showSteering } from './steering.js';
import { showTables } from './tables.js';
import { showPollers } from './workers.js';

/** @typedef {import('./request.js').Status} Status */
/** @typedef {import('./request.js').Workers} Workers */

/** How often the page refreshes its parts, in milliseconds: the status, and the others. */
const REFRESH_MILLIS = 2_000;
const EVERY = { workers: 5_000, policies: 5_000, runs: 15_000, tables: 20_000 };

/** The time of the next refresh of each part, by `performance.now()`. */
const due = { workers: 0, policies: 0, runs: 0, tables: 0 };
/** The last response of each part, so that a part is only drawn if it has changed. */
/** @type {Map<string, string>} */
const drawn = new Map();
/** @type {Date | undefined} */
let lastResponse;
let isAway = false;
let history = '';
/** @type {Status['open']} */
let open = [];

/**
 * Requests a part and shows it, or the problem in its place. Throws if the server does not respond.
 *
 * @param {string} part
 * @param {string} path
 * @param {(response: any) => void} show
 */
async function refreshPart(part, path, show) {
  try {
    const response = await request(path);
    showMissing(part, response.missing ?? []);
    const { at: _at, ...rest } = response;
    const text = JSON.stringify(rest);
    if (drawn.get(part) !== text) {
      drawn.set(part, text);
      show(response);
    }
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    showProblem(part, error.message);
  }
}

/**
 * @param {string} part
 * @param {string | undefined} problem
 */
function showProblem(part, problem) {
  const place = document.querySelector(`[data-problem="${part}"]`);
  if (!(place instanceof HTMLElement)) return;
  place.hidden = problem === undefined;
  place.textContent = problem === undefined ? '' : `Not known now: ${problem}`;
}

/**
 * Shows which databases are missing in a part.
 *
 * @param {string} part
 * @param {Status['missing']} missing
 */
function showMissing(part, missing) {
  showProblem(part, missing.length === 0 ? undefined : missing.map(({ reason }) => reason).join('; '));
}

/** @param {Status} status */
function showStatus(status) {
  showOpenRuns(status);
  announceChanges(status);
  open = status.open;
  const states = JSON.stringify([
    status.open.map(({ database, run, state, reason }) => [database, run, state, reason]),
    status.last,
  ]);
  if (states !== history) {
    history = states;
    drawn.delete('runs');
    due.runs = 0;
    due.tables = 0;
  }
}

/** @param {Workers} workers */
function showWorkers(workers) {
  const { self, taskQueue, namespace, canSteer } = workers;
  byId('worker').textContent =
    `Worker ${self.state.toLowerCase()}, version ${self.version}, up ${formatSeconds(self.uptimeSeconds)}; ` +
    `task queue ${taskQueue} of namespace ${namespace}`;
  showPollers(workers);
  showSteering(canSteer);
}

/** Refreshes all parts that are due. */
async function refresh() {
  await refreshPart('status', 'api/admin/cleanup/status', showStatus);
  const now = performance.now();
  const isDue = (/** @type {keyof typeof EVERY} */ part) => {
    if (due[part] > now) return false;
    due[part] = now + EVERY[part];
    return true;
  };
  if (isDue('workers')) await refreshPart('workers', 'api/system/workers', showWorkers);
  if (isDue('policies')) await refreshPart('policies', 'api/policies', showPolicies);
  if (isDue('runs')) {
    await refreshPart('runs', 'api/runs?limit=50', (runs) => showHistory(runs, open));
    if (readAddress() !== undefined) await refreshRun();
  }
  if (isDue('tables')) await refreshPart('tables', 'api/tables', showTables);
}

async function refreshRun() {
  try {
    await showRun(open);
    showProblem('run', undefined);
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    byId('run').replaceChildren();
    showProblem('run', error.message);
  }
}

async function openRun() {
  try {
    await refreshRun();
    if (readAddress() !== undefined) byId('run-title').focus();
  } catch {
    showAway(true);
  }
}

/** Refreshes the page again and again while it is visible. */
async function keepRefreshing() {
  for (;;) {
    if (!document.hidden && byId('token-form').hidden) await refreshOnce();
    await new Promise((resolve) => {
      setTimeout(resolve, REFRESH_MILLIS);
      document.addEventListener('visibilitychange', resolve, { once: true });
      byId('token-form').addEventListener('submit', resolve, { once: true });
    });
  }
}

async function refreshOnce() {
  try {
    await refresh();
    lastResponse = new Date();
    showAway(false);
  } catch (error) {
    if (error instanceof TokenRequired) requestToken(error.hadToken);
    else showAway(true);
  }
}

/** @param {boolean} away */
function showAway(away) {
  const since = lastResponse === undefined ? '' : `; the data is of ${formatClock(lastResponse)}`;
  byId('away').textContent = away ? `The server does not respond${since}. The page keeps trying.` : '';
  byId('away').hidden = !away;
  if (away === isAway) return;
  isAway = away;
  announce(away ? 'The server does not respond' : 'The server responds again');
  // All parts may have changed meanwhile.
  if (!away) for (const part of /** @type {(keyof typeof due)[]} */ (Object.keys(due))) due[part] = 0;
}

/** @param {boolean} hadToken */
function requestToken(hadToken) {
  byId('worker').textContent = '';
  byId('sections').hidden = true;
  byId('token-form').hidden = false;
  byId('token-problem').hidden = !hadToken;
  byId('token-problem').textContent = hadToken ? 'The server does not accept this token.' : '';
  byId('token').focus();
}

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const field = byId('token');
  if (!(field instanceof HTMLInputElement)) return;
  keepToken(field.value.trim());
  field.value = '';
  byId('token-form').hidden = true;
  byId('sections').hidden = false;
  for (const part of /** @type {(keyof typeof due)[]} */ (Object.keys(due))) due[part] = 0;
});

addEventListener('hashchange', () => {
  // The link to the content does not change the open run.
  if (location.hash === '#content') return;
  void openRun();
});

byId('zone').textContent = `All times are in ${describeZone()}`;
setUpSteering();
new ResizeObserver(drawCharts).observe(byId('history'));
void keepRefreshing();
