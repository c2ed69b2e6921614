import type { Digests } from './digests.ts';

/** What is measured, in this order; a person can leave some out. */
export const CONTENDERS = ['ours', 'whole', 'prefect', 'plain'] as const;

export type ContenderName = (typeof CONTENDERS)[number];

/** What one contender took, and what it left. */
export interface PrefectMeasurement {
  readonly contender: ContenderName;
  readonly seconds: number;
  readonly longestMillis: number;
  readonly left: Digests;
  /** Pass by pass, where the contender says so. */
  readonly passes?: Readonly<Record<string, number>>;
}
