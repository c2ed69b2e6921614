import type { FillOptions } from '../../test/support/prefect/fill.ts';

/** A Prefect database that the demo made and fills, and what it asks it past the product. */
export interface DemoDatabase {
  readonly url: string;
  rows<T extends object>(text: string): Promise<T[]>;
  /** What the batches of a run add up to in the ledger, table by table. */
  sumBatches(run: number): Promise<readonly { readonly label: string; readonly deleted: number }[]>;
  remove(): Promise<void>;
}

/** The runs of half a year, a few minutes apart, and logs of runs that somebody deleted by hand. */
export function sizeFor(runs: number): FillOptions {
  return {
    runs,
    oldRuns: 0.6 * runs,
    logsPerRun: 20,
    tasksPerRun: 4,
    goneRuns: runs / 10,
    logsPerGoneRun: 40,
  };
}
