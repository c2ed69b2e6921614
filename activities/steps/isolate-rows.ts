import { readDatabaseError } from '../dialect/read-error.ts';
import type { BatchStep, Refusal } from './batch-step.ts';

/** A row that a batch has locked. */
export interface LockedRow {
  readonly location: string;
  readonly key: string | null;
}

/** What became of some rows that were deleted one part after the other. */
interface IsolatedRows {
  /** Pointers moved to a survivor. */
  readonly moved: number;
  /** Rows that the database refused to delete. */
  readonly blocked: number;
  /** Why, each reason once. */
  readonly refusals: readonly Refusal[];
}

/**
 * Deletes rows of which the database refuses some: halves them until each of these is alone, and leaves it. `remove` deletes
 * some rows and returns how many pointers moved. The order of the rows is kept.
 */
export async function isolateRows(
  rows: readonly LockedRow[],
  step: Pick<BatchStep, 'attempt'>,
  remove: (rows: readonly LockedRow[]) => Promise<number>,
): Promise<IsolatedRows> {
  if (rows.length === 0) return { moved: 0, blocked: 0, refusals: [] };
  try {
    return { moved: await step.attempt(async () => remove(rows)), blocked: 0, refusals: [] };
  } catch (error) {
    const refusal = readRefusal(error);
    if (rows.length === 1) return { moved: 0, blocked: 1, refusals: [refusal] };
    const half = Math.ceil(rows.length / 2);
    const first = await isolateRows(rows.slice(0, half), step, remove);
    const second = await isolateRows(rows.slice(half), step, remove);
    const refusals = new Map(
      [...first.refusals, ...second.refusals].map((one) => [JSON.stringify(one), one]),
    );
    return {
      moved: first.moved + second.moved,
      blocked: first.blocked + second.blocked,
      refusals: [...refusals.values()],
    };
  }
}

/** Why the database refused a row. Throws any other error on. */
export function readRefusal(error: unknown): Refusal {
  const database = readDatabaseError(error);
  if (database?.kind !== 'row forbidden') throw error;
  return { meaning: database.meaning, names: database.names };
}
