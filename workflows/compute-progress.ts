import type { PassStatus } from '../activities/contract.ts';
import type { Progress, ShardProgress } from '../activities/stored/progress.ts';

/**
 * Computes percent, rate and ETA of a pass. Everyone who shows progress calls this function and formats the result. It is
 * the workflow's, whose sandbox takes nothing but types from other folders.
 */
export function computeProgress(status: PassStatus, shards: readonly ShardProgress[]): Progress {
  const running = status === 'running';
  const open = shards.filter(({ done }) => !done);
  return {
    percent: computePercent(status, shards),
    rowsPerSecond: running ? sumRates(open) : null,
    etaSeconds: running ? computeEta(open) : null,
  };
}

/** Shards are cut to about equal work. */
function computePercent(status: PassStatus, shards: readonly ShardProgress[]): number | null {
  if (status === 'completed') return 100;
  const parts = keepKnown(shards.map(({ part }) => part));
  if (status === 'planned' || parts === null) return null;
  return Math.floor((100 * sum(parts)) / parts.length);
}

function sumRates(open: readonly ShardProgress[]): number | null {
  const rates = keepKnown(open.map(({ rowsPerSecond }) => rowsPerSecond));
  return rates === null ? null : Math.round(sum(rates));
}

/** Shards run beside one another, and the last to end ends the pass. */
function computeEta(open: readonly ShardProgress[]): number | null {
  const newest = Math.max(...open.map(({ at }) => at ?? 0));
  const seconds = keepKnown(
    open.map(({ secondsLeft, at }) =>
      secondsLeft === null ? null : secondsLeft - (newest - (at ?? 0)) / 1000,
    ),
  );
  return seconds === null ? null : Number(Math.max(0, ...seconds).toFixed(1));
}

/** The values if there are any and each is known, else null. */
function keepKnown(values: readonly (number | null)[]): number[] | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length && known.length > 0 ? known : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
