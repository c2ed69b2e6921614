import type { PassState } from './state.ts';

/** What a pass found and left. */
export interface FoundRows {
  readonly rows: number;
  readonly resolved: number;
  readonly unresolved: number;
  /** When the oldest is of; ISO 8601, null if none was found. */
  readonly oldest: string | null;
}

/** What all shards of a pass found; undefined if it reports nothing. */
export function foundIn({ shards }: PassState): FoundRows | undefined {
  const reports = shards.flatMap(({ reported }) => (reported === null ? [] : [reported]));
  if (reports.length === 0) return undefined;
  const sum = (of: (report: (typeof reports)[number]) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const instants = reports.flatMap(({ oldest }) => (oldest === null ? [] : [oldest]));
  return {
    rows: sum(({ found }) => found),
    resolved: sum(({ resolved }) => resolved),
    unresolved: sum(({ unresolved }) => Object.values(unresolved).reduce((total, rows) => total + rows, 0)),
    oldest: instants.toSorted()[0] ?? null,
  };
}

/** `12 found, the oldest of 2026-01-31T04:00:00.000Z, 10 resolved, 2 not`. */
export function describeFoundRows({ rows, resolved, unresolved, oldest }: FoundRows): string {
  return [
    `${rows} found`,
    ...(oldest === null ? [] : [`the oldest of ${oldest}`]),
    ...(resolved + unresolved === 0 ? [] : [`${resolved} resolved, ${unresolved} not`]),
  ].join(', ');
}
