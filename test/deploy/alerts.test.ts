import { expect, test } from '@jest/globals';

import { METRICS } from '../../activities/run/metric-definitions.ts';
import type { ScrapedSeries } from '../support/alerts.ts';
import { evaluateAlerts, START } from '../support/alerts.ts';
import { describeNeeding } from '../support/needing.ts';

const DAY = 24;
const DAYS = 10;

/** The instant of an hour, as a gauge has it. */
const toInstantAt = (hour: number): number => START + hour * 3600;

const series = (
  metric: { readonly name: string },
  at: ScrapedSeries['at'],
  labels: Readonly<Record<string, string>> = {},
): ScrapedSeries => ({ name: metric.name, labels: { policy: 'nightly', instance: 'a:9464', ...labels }, at });
const lastCompleted = (at: ScrapedSeries['at'], labels = {}): ScrapedSeries =>
  series(METRICS.lastCompletedAt, at, labels);

describeNeeding(['promql'], 'the alert rules', () => {
  test('are silent while a run completes every day', () => {
    const fired = evaluateAlerts(
      [
        lastCompleted((hour) => toInstantAt(Math.floor(hour / DAY) * DAY)),
        series(METRICS.runs, (hour) => 1 + Math.floor(hour / DAY), { status: 'completed' }),
        series(METRICS.keepsUp, () => 1, { pass: 'old' }),
      ],
      DAYS * DAY,
    );
    expect(fired).toEqual({});
  });

  test('tell after two days that no run has completed, and not before', () => {
    const stopped = (hour: number): number => toInstantAt(Math.min(hour, 12));
    // Above two days at the next evaluation, and then for ten minutes.
    const firesAt = 12 + 2 * DAY + 2 / 6;
    const fired = evaluateAlerts([lastCompleted(stopped)], DAYS * DAY);
    expect(Object.keys(fired)).toEqual(['TemporalVacuumNoCompletedRun nightly']);
    expect(fired['TemporalVacuumNoCompletedRun nightly']).toBeCloseTo(firesAt, 5);
    expect(evaluateAlerts([lastCompleted(stopped)], firesAt - 1 / 6)).toEqual({});
    // A worker that started before another has completed a run knows of an older one.
    const other = lastCompleted((hour) => toInstantAt(hour), { instance: 'b:9464' });
    expect(evaluateAlerts([lastCompleted(stopped), other], DAYS * DAY)).toEqual({});
  });

  test('fire within twenty minutes for who wants to see it, as docs/first-hour.md says', () => {
    const hourly = lastCompleted((hour) => toInstantAt(Math.floor(hour)));
    const fired = evaluateAlerts([hourly], 1, (expression) => expression.replace('172800', '60'));
    expect(fired).toEqual({ 'TemporalVacuumNoCompletedRun nightly': 1 / 3 });
    expect(evaluateAlerts([hourly], 1)).toEqual({});
  });

  test('tell that a worker is gone, and go on to tell that no run completes', () => {
    const gone = lastCompleted((hour) => (hour <= 6 ? toInstantAt(0) : undefined));
    const fired = evaluateAlerts([gone], DAYS * DAY);
    expect(Object.keys(fired).toSorted()).toEqual([
      'TemporalVacuumNoCompletedRun nightly',
      'TemporalVacuumNoWorker',
    ]);
    expect(fired['TemporalVacuumNoWorker']).toBeGreaterThanOrEqual(7);
    expect(fired['TemporalVacuumNoWorker']).toBeLessThan(7.5);
    expect(fired['TemporalVacuumNoCompletedRun nightly']).toBeLessThan(2 * DAY + 1);
  });

  test('tell after two days of a policy that never completed, and not that it did so in 1970', () => {
    const fired = evaluateAlerts([lastCompleted(() => 0)], DAYS * DAY);
    expect(fired).toEqual({ 'TemporalVacuumPolicyNeverCompleted nightly': 2 * DAY });
    const late = lastCompleted((hour) => (hour < 47 ? 0 : toInstantAt(hour)));
    expect(evaluateAlerts([late], DAYS * DAY)).toEqual({});
  });

  test('tell of the first failure of a new worker at once, and of a pass that falls behind', () => {
    const completed = lastCompleted((hour) => toInstantAt(hour));
    for (const status of ['failed', 'terminated', 'stopped-by-guard']) {
      const runs = series(METRICS.runs, (hour) => (hour < 5 ? undefined : 1), { status });
      expect(evaluateAlerts([completed, runs], 2 * DAY)).toEqual({ 'TemporalVacuumRunFailed nightly': 5 });
    }
    for (const status of ['completed', 'stopped', 'skipped', 'disabled']) {
      const runs = series(METRICS.runs, (hour) => (hour < 5 ? undefined : 1), { status });
      expect(evaluateAlerts([completed, runs], 2 * DAY)).toEqual({});
    }
    const behind = series(METRICS.keepsUp, () => 0, { pass: 'old' });
    expect(Object.keys(evaluateAlerts([completed, behind], 2 * DAY))).toEqual([
      'TemporalVacuumFallsBehind old nightly',
    ]);
  });
});
