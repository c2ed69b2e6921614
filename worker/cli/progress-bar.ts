import { createLogUpdate } from 'log-update';

import type { LivePass } from '../../activities/ledger/live-progress.ts';
import { note, sayCount, sayMillis } from './output.ts';

/** Shows how a run goes on: a bar a pass on a terminal, else a line now and then. On standard error. */
export interface ProgressDisplay {
  show(passes: readonly LivePass[]): void;
  /** Leaves the last state behind. */
  end(): void;
}

const BAR = 24;
const LINE_EVERY_MILLIS = 5_000;

/** The display for where standard error leads. */
export function createDisplay(): ProgressDisplay {
  return process.stderr.isTTY ? terminalDisplay() : lineDisplay();
}

function terminalDisplay(): ProgressDisplay {
  const update = createLogUpdate(process.stderr);
  return {
    show: (passes) => update(passes.map((pass) => `${barOf(pass)} ${sayPass(pass)}`).join('\n')),
    end: () => update.done(),
  };
}

function lineDisplay(): ProgressDisplay {
  let last = Date.now();
  const said = new Set<string>();
  return {
    show: (passes) => {
      const due = Date.now() - last >= LINE_EVERY_MILLIS;
      if (due) last = Date.now();
      for (const pass of passes) {
        const ends = pass.walked === 1 && !said.has(pass.name);
        if (ends) said.add(pass.name);
        if (ends || (due && isUnderWay(pass))) note(sayPass(pass));
      }
    },
    end: () => undefined,
  };
}

function barOf({ walked, batches }: LivePass): string {
  const full = Math.round(BAR * (walked ?? 0));
  const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
  const percent = walked === null ? '    ' : `${String(Math.floor(walked * 100)).padStart(3)}%`;
  return `${batches === 0 ? '░'.repeat(BAR) : bar} ${percent}`;
}

/** `old-flow-runs: 1,234,000 rows, 320,000 rows/s, 12 s left`. */
function sayPass(pass: LivePass): string {
  const parts = [`${pass.name}: ${sayCount(pass.rows)} rows`];
  if (pass.walked !== null && pass.walked > 0 && pass.batches > 0 && !process.stderr.isTTY) {
    parts.push(`${Math.floor(pass.walked * 100)} %`);
  }
  if (isUnderWay(pass)) {
    parts.push(`${sayCount((1000 * pass.rows) / Math.max(1, pass.millis))} rows/s`);
    if (pass.millisLeft !== null) parts.push(`${sayMillis(pass.millisLeft)} left`);
  }
  return parts.join(', ');
}

function isUnderWay({ batches, walked }: LivePass): boolean {
  return batches > 0 && walked !== 1;
}
