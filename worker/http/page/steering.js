import { announce } from './announcements.js';
import { byId, make, replace } from './elements.js';
import { RequestFailed, sendSignal } from './request.js';

/** @typedef {import('./request.js').Status['open'][number]} OpenRun */
/** @typedef {'pause' | 'resume' | 'stop'} Signal */

const TITLES = { pause: 'Pause', resume: 'Resume', stop: 'Stop' };
const EFFECTS = {
  pause: 'It ends its current batch and then waits until somebody resumes it.',
  resume: '',
  stop: 'It ends after its current batch. The next run continues with the rest.',
};

/**
 * The signals that may do something, by the state of a run; otherwise pause and stop. If no worker responds, nobody knows whether
 * the run is paused, and Temporal keeps any signal until a worker works on it. The same if its result cannot be read.
 *
 * @type {Readonly<Partial<Record<OpenRun['state'], readonly Signal[]>>>}
 */
const SIGNALS = {
  unknown: [],
  'no-temporal': [],
  closing: [],
  paused: ['resume', 'stop'],
  'no-worker': ['pause', 'resume', 'stop'],
  encoded: ['pause', 'resume', 'stop'],
};

/** Whether the server accepts signals. */
let canSteer = false;
/** The signal that the dialog asks about. */
/** @type {{ signal: Signal, run: OpenRun } | undefined} */
let asked;

/**
 * Shows the buttons of runs if the server accepts signals, and says what to do if it does not.
 *
 * @param {boolean} accepted
 */
export function showSteering(accepted) {
  canSteer = accepted;
  document.body.classList.toggle('steers', canSteer);
  replace(
    byId('steering'),
    ...(canSteer
      ? ['A pause or stop takes effect after the current batch.']
      : [
          'This page only reads. To pause, resume and stop runs here, start the worker with a token in ',
          make('code', {}, 'VACUUM_HTTP_TOKEN'),
          '. The commands ',
          make('code', {}, 'temporal-vacuum pause'),
          ', ',
          make('code', {}, 'resume'),
          ' and ',
          make('code', {}, 'stop'),
          ' do the same.',
        ]),
  );
}

/**
 * Makes the buttons that fit the state of a run. Style hides them if the server accepts no signals.
 *
 * @param {OpenRun} run
 */
export function makeButtons(run) {
  const signals = SIGNALS[run.state] ?? ['pause', 'stop'];
  if (signals.length === 0) return [];
  const buttons = signals.map((signal) => {
    const button = make(
      'button',
      {
        type: 'button',
        class: signal === 'stop' ? 'danger' : '',
        'aria-label': `${TITLES[signal]} run ${run.run} of ${run.policy}`,
      },
      TITLES[signal],
    );
    button.addEventListener('click', () => {
      if (signal === 'resume') void send(signal, run, '');
      else ask(signal, run);
    });
    return button;
  });
  return [make('p', { class: 'buttons steering' }, ...buttons)];
}

/** Connects the dialog. */
export function setUpSteering() {
  byId('signal-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const reason = readField().value.trim();
    dialog().close();
    if (asked !== undefined) void send(asked.signal, asked.run, reason);
  });
  byId('signal-cancel').addEventListener('click', () => dialog().close());
}

/**
 * @param {Signal} signal
 * @param {OpenRun} run
 */
function ask(signal, run) {
  asked = { signal, run };
  byId('signal-title').textContent = `${TITLES[signal]} run ${run.run} of ${run.policy}?`;
  const later =
    run.state === 'no-worker' ? ' No worker responds now: Temporal keeps the signal until one does.' : '';
  byId('signal-effect').textContent = `${EFFECTS[signal]}${later}`;
  byId('signal-send').textContent = TITLES[signal];
  byId('signal-send').classList.toggle('danger', signal === 'stop');
  readField().value = '';
  dialog().showModal();
  readField().focus();
}

/**
 * @param {Signal} signal
 * @param {OpenRun} run
 * @param {string} reason
 */
async function send(signal, run, reason) {
  const name = `run ${run.run} of ${run.policy}`;
  showResult(`Sending ${signal} to ${name}`);
  try {
    const body = { workflowId: run.workflowId, ...(reason === '' ? {} : { reason }) };
    const { workflows } = await sendSignal(run.policy, signal, body);
    const state = workflows[0]?.state ?? 'sent';
    showResult(
      state === 'sent' || state === 'encoded'
        ? `The signal ${signal} is sent to ${name}; no worker has confirmed it yet`
        : `Now ${name} is ${state}`,
    );
  } catch (error) {
    const failure = error instanceof RequestFailed ? error.message : 'the server does not respond';
    showResult(`The signal ${signal} failed: ${failure}`);
  }
}

/** @param {string} text */
function showResult(text) {
  byId('signal-result').textContent = text;
  announce(text);
}

function dialog() {
  const found = byId('signal-dialog');
  if (!(found instanceof HTMLDialogElement)) throw new Error('the page has no dialog');
  return found;
}

function readField() {
  const field = byId('signal-reason');
  if (!(field instanceof HTMLInputElement)) throw new Error('the page has no field for a reason');
  return field;
}
