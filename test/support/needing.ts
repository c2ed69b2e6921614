import { describe, test } from '@jest/globals';

import type { OlderPrefectVersion } from './parts/bring.ts';

/** A part that the global setup brings if it can, or finds. */
export type PartName =
  | 'temporal'
  | 'prefect'
  | `prefect-${OlderPrefectVersion}`
  | 'tctl'
  | 'promql'
  | 'hadolint'
  | 'chromium'
  | 'small-disk'
  | 'stock-postgresql'
  | 'pgbouncer'
  | `postgresql-${14 | 15 | 16 | 17}`;

const MISSING = JSON.parse(process.env['TEST_MISSING'] ?? '{}') as Partial<Record<PartName, string>>;

/**
 * A group of tests that needs parts from outside. Where one is missing the group is left out on a person's machine,
 * where the setup has said how to get it, and fails in CI.
 */
export function describeNeeding(parts: readonly PartName[], title: string, tests: () => void): void {
  const missing = parts.map((part) => MISSING[part]).filter((why) => why !== undefined);
  if (missing.length === 0) {
    describe(title, tests);
    return;
  }
  const leaveOut = describe['skip'];
  if (process.env['CI'] !== 'true') leaveOut(title, tests);
  else {
    describe(title, () => {
      test('has the parts that it needs', () => {
        throw new Error(missing.join('\n'));
      });
    });
  }
}
