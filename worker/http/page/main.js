import { ask, keepToken, Refused, TokenWanted } from './ask.js';
import { byId } from './elements.js';
import { drawCharts, showHistory } from './history.js';
import { tell, tellNews } from './news.js';
import { showOpenRuns } from './open-runs.js';
import { showPolicies } from './policies.js';
import { runInAddress, showRun } from './run.js';
import { sayClock, saySeconds } from './say.js';
import { showTables } from './tables.js';

/** @typedef {import('./ask.js').Status} Status */
/** @typedef {import('./ask.js').Workers} Workers */

/** How often the page looks, and what is asked less often, in milliseconds. */
const LOOK_EVERY = 2_000;
const EVERY = { workers: 5_000, policies: 5_000, runs: 15_000, tables: 20_000 };

/** When each part is due, by `performance.now()`. */
const due = { workers: 0, policies: 0, runs: 0, tables: 0 };
/** What each part last answered, so that nothing is drawn anew that is as it was. */
/** @type {Map<string, string>} */
const drawn = new Map();
/** @type {Date | undefined} */
let answered;
let isAway = false;
let history = '';

/**
 * Shows the answer to a question, or in its part why there is none. Throws where the server does not answer at all.
 *
 * @param {string} part
 * @param {string} path
 * @param {(answer: any) => void} show
 */
async function look(part, path, show) {
  try {
    const answer = await ask(path);
    sayMissing(part, answer.missing ?? []);
    const { at: _at, ...rest } = answer;
    const text = JSON.stringify(rest);
    if (drawn.get(part) !== text) {
      drawn.set(part, text);
      show(answer);
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    sayProblem(part, error.message);
  }
}

/**
 * @param {string} part
 * @param {string | undefined} problem
 */
function sayProblem(part, problem) {
  const place = document.querySelector(`[data-problem="${part}"]`);
  if (!(place instanceof HTMLElement)) return;
  place.hidden = problem === undefined;
  place.textContent = problem === undefined ? '' : `Not known now: ${problem}`;
}

/**
 * Says which databases a part tells nothing of.
 *
 * @param {string} part
 * @param {Status['missing']} missing
 */
function sayMissing(part, missing) {
  sayProblem(part, missing.length === 0 ? undefined : missing.map(({ reason }) => reason).join('; '));
}

/** @param {Status} status */
function showStatus(status) {
  showOpenRuns(status);
  tellNews(status);
  const ends = JSON.stringify([status.open.map(({ database, run }) => [database, run]), status.last]);
  if (ends !== history) {
    history = ends;
    due.runs = 0;
    due.tables = 0;
  }
}

/** @param {Workers} workers */
function showWorkers({ self, taskQueue, namespace, pollers }) {
  const others = pollers.length <= 1 ? '' : `, one of ${pollers.length} workers`;
  byId('worker').textContent =
    `${self.state}, version ${self.version}, up ${saySeconds(self.uptimeSeconds)}; ` +
    `task queue ${taskQueue} of namespace ${namespace}${others}`;
}

/** One look at everything that is due. */
async function lookAround() {
  await look('status', 'api/admin/cleanup/status', showStatus);
  const now = performance.now();
  const isDue = (/** @type {keyof typeof EVERY} */ part) => {
    if (due[part] > now) return false;
    due[part] = now + EVERY[part];
    return true;
  };
  if (isDue('workers')) await look('workers', 'api/system/workers', showWorkers);
  if (isDue('policies')) await look('policies', 'api/policies', showPolicies);
  if (isDue('runs')) {
    await look('runs', 'api/runs?limit=50', showHistory);
    if (runInAddress() !== undefined) await lookAtRun();
  }
  if (isDue('tables')) await look('tables', 'api/tables', showTables);
}

async function lookAtRun() {
  try {
    await showRun();
    sayProblem('run', undefined);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId('run').replaceChildren();
    sayProblem('run', error.message);
  }
}

async function openRun() {
  try {
    await lookAtRun();
    if (runInAddress() !== undefined) byId('run-title').focus();
  } catch {
    sayAway(true);
  }
}

/** Looks, again and again; a page that nobody sees asks nothing. */
async function keepLooking() {
  for (;;) {
    if (!document.hidden && byId('token-form').hidden) await lookOnce();
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY);
      document.addEventListener('visibilitychange', resolve, { once: true });
      byId('token-form').addEventListener('submit', resolve, { once: true });
    });
  }
}

async function lookOnce() {
  try {
    await lookAround();
    answered = new Date();
    sayAway(false);
  } catch (error) {
    if (error instanceof TokenWanted) wantToken(error.wasGiven);
    else sayAway(true);
  }
}

/** @param {boolean} away */
function sayAway(away) {
  const since = answered === undefined ? '' : `; what is shown is of ${sayClock(answered)}`;
  byId('away').textContent = away ? `The server does not answer${since}. The page goes on trying.` : '';
  byId('away').hidden = !away;
  if (away === isAway) return;
  isAway = away;
  tell(away ? 'The server does not answer' : 'The server answers again');
  // Whatever happened meanwhile, all parts are asked anew.
  if (!away) for (const part of /** @type {(keyof typeof due)[]} */ (Object.keys(due))) due[part] = 0;
}

/** @param {boolean} wasGiven */
function wantToken(wasGiven) {
  byId('worker').textContent = '';
  byId('sections').hidden = true;
  byId('token-form').hidden = false;
  byId('token-problem').hidden = !wasGiven;
  byId('token-problem').textContent = wasGiven ? 'The server does not take this token.' : '';
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
  // The way to the content leaves what is open as it is.
  if (location.hash === '#content') return;
  void openRun();
});

new ResizeObserver(drawCharts).observe(byId('history'));
void keepLooking();
