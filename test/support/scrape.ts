import { freePort } from '../../worker/dev-server.ts';

/** A series as an exporter writes it. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** An address to serve metrics on. */
export async function metricsAddress(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

/** What a process serves for Prometheus, as text. */
export async function scrape(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/metrics`);
  return answer.text();
}

/** The series of a scrape. */
export function parseSeries(text: string): Series[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const {
        name = '',
        labels = '',
        value = '',
      } = /^(?<name>\w+)(\{(?<labels>.*)\})? (?<value>\S+)$/.exec(line)?.groups ?? {};
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
      return {
        name,
        labels: Object.fromEntries(pairs.map(([, key = '', text_ = '']) => [key, text_])),
        value: Number(value),
      };
    });
}

/** The values of a metric, added up by one label. */
export function sumBy(series: readonly Series[], name: string, label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of series.filter((found) => found.name === name)) {
    const key = one.labels[label] ?? '';
    sums[key] = (sums[key] ?? 0) + one.value;
  }
  return sums;
}
