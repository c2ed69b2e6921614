import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import type { Metric } from '../../activities/run/metric-definitions.ts';
import { METRICS, VACUUM_BUCKETS } from '../../activities/run/metric-definitions.ts';
import type { AlertRule } from '../support/alerts.ts';
import { ALERT_RULES } from '../support/alerts.ts';
import { generateMetricsPage, METRICS_PAGE } from '../support/docs/generate.ts';
import { ROOT } from '../support/parts/bring.ts';

interface Dashboard {
  readonly panels: readonly {
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const ALL: readonly Metric[] = Object.values(METRICS);
const DASHBOARD = readFileSync(join(ROOT, 'docs/grafana-dashboard.json'), 'utf8');
const TARGETS = (JSON.parse(DASHBOARD) as Dashboard).panels.flatMap(({ targets }) => targets);
const PAGE = readFileSync(METRICS_PAGE, 'utf8');

/** The names that an exporter writes for a metric. */
function seriesNames({ name, kind }: Metric): string[] {
  return kind === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name];
}

/** The labels that the texts of a rule name, in the way of the dashboard. */
function toTarget({ expr, annotations: { summary = '' } }: AlertRule): {
  expr: string;
  legendFormat: string;
} {
  return { expr, legendFormat: summary.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '{{$1}}') };
}

const namesIn = (text: string): string[] => [...new Set(text.match(/temporal_vacuum_\w+/g))];

describe('metrics', () => {
  test('are described as the code has them; mend it with npm run docs', () => {
    expect(PAGE).toBe(generateMetricsPage(PAGE));
  });

  test('have names of their own that begin alike, and buckets for each histogram', () => {
    expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
    expect(ALL.filter(({ name }) => !/^temporal_vacuum_[a-z_]+$/.test(name))).toEqual([]);
    const histograms = ALL.filter(({ kind }) => kind === 'histogram').map(({ name }) => name);
    expect(Object.keys(VACUUM_BUCKETS)).toEqual(histograms);
    for (const bounds of Object.values(VACUUM_BUCKETS)) {
      expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
    }
  });

  test('are there, each that the dashboard and the page name, and the dashboard shows all', () => {
    const known = new Set(ALL.flatMap(seriesNames));
    expect(namesIn(DASHBOARD).filter((name) => !known.has(name))).toEqual([]);
    const described = new Set([...known, ...ALL.map(({ name }) => name)]);
    expect(namesIn(PAGE).filter((name) => !described.has(name))).toEqual([]);
    const shown = new Set(TARGETS.flatMap(({ expr }) => namesIn(expr)));
    const missing = ALL.filter((metric) => !seriesNames(metric).some((name) => shown.has(name)));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  test('are there, each that an alert rule asks for, and each rule says what it is about and what to do', () => {
    const known = new Set(ALL.flatMap(seriesNames));
    expect(ALERT_RULES.map(({ alert }) => alert)).toContain('TemporalVacuumNoCompletedRun');
    for (const { alert, expr, labels, annotations } of ALERT_RULES) {
      const names = namesIn(expr);
      expect({ alert, names: names.filter((name) => !known.has(name)) }).toEqual({ alert, names: [] });
      expect(names.length).toBeGreaterThan(0);
      expect([alert, labels.severity, annotations.summary, annotations.description]).not.toContain(undefined);
      expect(expr.split('(')).toHaveLength(expr.split(')').length);
    }
  });

  test('have the labels that the dashboard and the alert rules ask for', () => {
    expect(TARGETS.length).toBeGreaterThan(10);
    for (const { expr, legendFormat } of [...TARGETS, ...ALERT_RULES.map(toTarget)]) {
      const asked = [
        ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', ')),
        ...[...expr.matchAll(/[{,]\s*(\w+)\s*=~?"/g)].map(([, label = '']) => label),
        ...[...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
      ];
      const metrics = ALL.filter((metric) =>
        seriesNames(metric).some((name) => namesIn(expr).includes(name)),
      );
      for (const metric of metrics) {
        const has = new Set<string>([...metric.labels, ...(metric.kind === 'histogram' ? ['le'] : [])]);
        expect({ expr, lacks: asked.filter((label) => !has.has(label)) }).toEqual({ expr, lacks: [] });
      }
    }
  });
});
