import type { ReportedRows } from '../../stored/report.ts';

/** Adds up what batches reported; null if none did. */
export function sumReported(reported: readonly ReportedRows[]): ReportedRows | null {
  if (reported.length === 0) return null;
  const unresolved: Record<string, number> = {};
  for (const { unresolved: own } of reported) {
    for (const [reason, rows] of Object.entries(own)) unresolved[reason] = (unresolved[reason] ?? 0) + rows;
  }
  const bytes = reported.flatMap((one) => one.bytes ?? []);
  return {
    found: sum(reported.map(({ found }) => found)),
    resolved: sum(reported.map(({ resolved }) => resolved)),
    unresolved,
    oldest: reported.flatMap(({ oldest }) => oldest ?? []).toSorted()[0] ?? null,
    ...(bytes.length === 0 ? {} : { bytes: sum(bytes) }),
  };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
