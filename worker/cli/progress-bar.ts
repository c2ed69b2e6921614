import { createLogUpdate } from 'log-update';

import type { LivePass } from '../../activities/ledger/live-progress.ts';
import { computeProgress } from '../../workflows/compute-progress.ts';
import { countNouns, formatCount, formatMillis, note } from './output.ts';

/** Shows how a run goes on: a bar a pass on a terminal, else a line now and then. On standard error. */
interface ProgressDisplay {
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
    show: (passes) => update(passes.map((pass) => `${formatBar(pass)} ${formatPass(pass)}`).join('\n')),
    end: () => update.done(),
  };
}

function lineDisplay(): ProgressDisplay {
  let last = Date.now();
  const printed = new Set<string>();
  return {
    show: (passes) => {
      const due = Date.now() - last >= LINE_EVERY_MILLIS;
      if (due) last = Date.now();
      for (const pass of passes) {
        const ends = pass.status === 'completed' && !printed.has(pass.name);
        if (ends) printed.add(pass.name);
        if (ends || (due && pass.status === 'running')) note(formatPass(pass));
      }
    },
    end: () => undefined,
  };
}

function formatBar({ status, shards }: LivePass): string {
  const { percent } = computeProgress(status, shards);
  const full = Math.round((BAR * (percent ?? 0)) / 100);
  const number = percent === null ? '    ' : `${String(percent).padStart(3)}%`;
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${number}`;
}

/** `old-flow-runs: 1,234,000 rows, 320,000 rows/s, 12 s left`. */
function formatPass({ name, rows, status, shards }: LivePass): string {
  const { percent, rowsPerSecond, etaSeconds } = computeProgress(status, shards);
  return [
    `${name}: ${countNouns(rows, 'row')}`,
    ...(percent === null || process.stderr.isTTY ? [] : [`${percent} %`]),
    ...(rowsPerSecond === null ? [] : [`${formatCount(rowsPerSecond)} rows/s`]),
    ...(etaSeconds === null ? [] : [`${formatMillis(1000 * etaSeconds)} left`]),
  ].join(', ');
}
