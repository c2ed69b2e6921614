import { Context } from '@temporalio/activity';
import type { Logger, MetricMeter, MetricTags } from '@temporalio/common';

import type { Metric, MetricLabel } from './metric-definitions.ts';

type Labels = Readonly<Partial<Record<MetricLabel, string>>>;

/** Gauges that both the first and the last activity of a run set must be one series. */
const RUN_TAGS: MetricTags = { activityType: 'vacuum' };

/** Where metrics are recorded: an activity, or the runtime of a worker with the worker's tags. */
export interface MeterContext {
  readonly metricMeter: MetricMeter;
  readonly log: Logger;
}

/**
 * Records metrics of runs by the host's own exporter: if it has none nothing happens. A metric that cannot be recorded
 * fails no work.
 */
export class Meter {
  readonly #meter: MetricMeter;
  readonly #log: Logger;
  readonly #labels: Labels;
  readonly #record = new Map<string, (value: number, tags: MetricTags) => void>();

  /** The context is that of the current activity by default. */
  constructor(labels: Labels, { metricMeter, log }: MeterContext = Context.current()) {
    this.#meter = metricMeter;
    this.#log = log;
    this.#labels = labels;
  }

  /** Adds to a counter, records in a histogram or sets a gauge. Metrics have no values below 0. */
  record(metric: Metric, value: number, labels: Labels = {}): void {
    if (!(value >= 0)) return;
    try {
      let record = this.#record.get(metric.name);
      if (record === undefined) {
        record = this.#instrument(metric);
        this.#record.set(metric.name, record);
      }
      record(value, { ...this.#labels, ...labels });
    } catch (error) {
      this.#log.debug(`metric ${metric.name} could not be recorded`, { error });
    }
  }

  #instrument({ name, kind, unit, help }: Metric): (value: number, tags: MetricTags) => void {
    switch (kind) {
      case 'counter': {
        const counter = this.#meter.createCounter(name, unit, help);
        return (value, tags) => counter.add(Math.round(value), tags);
      }
      case 'histogram': {
        const histogram = this.#meter.createHistogram(name, 'float', unit, help);
        return (value, tags) => histogram.record(value, tags);
      }
      case 'gauge': {
        const gauge = this.#meter.createGauge(name, 'float', unit, help);
        return (value, tags) => gauge.set(value, { ...tags, ...RUN_TAGS });
      }
    }
  }
}
