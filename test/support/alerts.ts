import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

import { find, PROMQL, ROOT } from './parts/bring.ts';

/** A rule of `deploy/prometheus`. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity?: string };
  readonly annotations: { readonly summary?: string; readonly description?: string };
}

/** The alert rules that are shipped. */
export const ALERT_RULES = (
  parse(readFileSync(join(ROOT, 'deploy/prometheus/temporal-vacuum.rules.yaml'), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
  }
).groups.flatMap(({ rules }) => rules);

/** A series as Prometheus has scraped it: its value at an hour, undefined while nobody served it. */
export interface ScrapedSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly at: (hour: number) => number | undefined;
}

/** An instant from which hours count, in seconds since 1970. */
export const START = 1_800_000_000;
/** Series are scraped often enough for Prometheus, and rules evaluated as often as hours can tell. */
const SCRAPE_SECONDS = 240;
const EVALUATE_SECONDS = 600;

/**
 * Evaluates all rules over so many hours. Returns the hour at which each alert begins to fire, by its name and labels.
 * `edit` changes expressions as a reader of the docs does.
 */
export function evaluateAlerts(
  series: readonly ScrapedSeries[],
  hours: number,
  edit: (expression: string) => string = (expression) => expression,
): Record<string, number> {
  const to = START + hours * 3600;
  const request = {
    series: series.map(({ name, labels, at }) => ({
      labels: { __name__: name, ...labels },
      points: listPoints(at, to),
    })),
    expressions: ALERT_RULES.map(({ expr }) => edit(expr)),
    from: START,
    to,
    step: EVALUATE_SECONDS,
  };
  const { stdout, stderr, status } = spawnSync(find(PROMQL) ?? '', {
    input: JSON.stringify(request),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`the rules cannot be evaluated: ${stderr}`);
  const results = JSON.parse(stdout) as { labels: Record<string, string>; points: [number, number][] }[][];
  const firing: [string, number][] = results.flatMap((found, n) =>
    found.flatMap(({ labels, points }): [string, number][] => {
      const rule = ALERT_RULES[n];
      if (rule === undefined) return [];
      const since = findFiring(points, toSeconds(rule.for ?? '0m'));
      const name = [rule.alert, ...Object.values(labels)].join(' ');
      return since === undefined ? [] : [[name, (since - START) / 3600]];
    }),
  );
  return Object.fromEntries(firing);
}

function listPoints(at: ScrapedSeries['at'], to: number): [number, number][] {
  const points: [number, number][] = [];
  for (let second = START; second <= to; second += SCRAPE_SECONDS) {
    const value = at((second - START) / 3600);
    if (value !== undefined) points.push([second, value]);
  }
  return points;
}

/** When an expression had a value at each evaluation for so long. */
function findFiring(points: readonly [number, number][], seconds: number): number | undefined {
  let since: number | undefined;
  let before: number | undefined;
  for (const [at] of points) {
    if (before === undefined || at - before > EVALUATE_SECONDS) since = at;
    before = at;
    if (since !== undefined && at - since >= seconds) return at;
  }
  return undefined;
}

const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

function toSeconds(duration: string): number {
  const { count = '', unit = '' } = /^(?<count>\d+)(?<unit>[mhd])$/.exec(duration)?.groups ?? {};
  const seconds = UNITS[unit];
  if (seconds === undefined) throw new Error(`${duration} is no duration of a rule`);
  return Number(count) * seconds;
}
