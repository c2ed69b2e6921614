import type { CatalogTable } from '../dialect/catalog.ts';
import type { Tx } from '../dialect/dialect.ts';
import { isTimeout } from '../dialect/read-error.ts';
import type { OldestRows, Sample } from '../dialect/tables.ts';
import type { BacklogRows } from '../passes/pass.ts';
import { hasIndexOn } from '../resolve/scan-choice.ts';
import type { Backlog } from '../stored/backlog.ts';

/** So many of the oldest rows are read. */
const MAX_ENTRIES = 1000;
/**
 * Dead entries at the start of an index, as a run leaves them until the next vacuum, can take any time to step over: a quarter
 * of a second for 200,000 (PostgreSQL 18). If this is not enough, a sample says about how much waits. With 300 ms the end of a
 * run on the small Prefect took 545 ms, and 306 of them until this limit. Without dead entries it takes a few milliseconds.
 */
const MAX_MILLIS = 50;

/** Counts the backlog of a pass, by reading tables. Takes minutes if they are large. */
export async function countBacklog(
  tx: Tx,
  table: CatalogTable,
  { where, age }: BacklogRows,
): Promise<Backlog> {
  return { ...(await tx.tables.count(table, where, age?.ages)), error: 0, atLeast: false };
}

/**
 * Estimates the backlog of a pass: from a few hundred pages, or, if an index on the age shows that there are only few rows,
 * exactly. The oldest comes from that index, else from the sample. A sample that was taken already is not taken again.
 */
export async function estimateBacklog(
  tx: Tx,
  table: CatalogTable,
  rows: BacklogRows,
  taken?: Sample,
): Promise<Backlog> {
  const byAge = await readByAge(tx, table, rows);
  if (byAge?.complete === true) {
    return { rows: byAge.rows, error: 0, oldestSeconds: byAge.oldestSeconds, atLeast: false };
  }
  const request = { where: rows.where, ages: rows.age?.ages, parts: 1 };
  const sample = taken ?? (await tx.tables.sample(table, [request]))[0];
  if (sample === undefined) throw new Error(`table ${table.label} was not sampled`);
  const oldestSeconds = byAge?.oldestSeconds ?? sample.oldestSeconds;
  return {
    rows: Math.max(sample.rows, byAge?.rows ?? 0),
    error: sample.error,
    oldestSeconds,
    atLeast: byAge?.oldestSeconds == null && oldestSeconds !== null && sample.error > 0,
  };
}

/** The backlog of several tables together. The errors of samples that are independent of each other add up as squares. */
export function sumBacklogs(backlogs: readonly Backlog[]): Backlog {
  const ages = backlogs.flatMap(({ oldestSeconds }) => oldestSeconds ?? []);
  return {
    rows: backlogs.reduce((sum, { rows }) => sum + rows, 0),
    error: Math.round(Math.hypot(...backlogs.map(({ error }) => error))),
    oldestSeconds: ages.length === 0 ? null : Math.max(...ages),
    atLeast: backlogs.some(({ atLeast }) => atLeast),
  };
}

/** Undefined if there is no index on the age, or if reading it takes too long. */
async function readByAge(
  tx: Tx,
  table: CatalogTable,
  { where, age }: BacklogRows,
): Promise<OldestRows | undefined> {
  if (age === null || age.ages.length > 1 || age.ages[0].parent !== undefined) return undefined;
  if (age.index === undefined && !hasIndexOn(table, age.ages[0])) return undefined;
  try {
    return await tx.tryAndUndo(async () => {
      await tx.limitStatements(MAX_MILLIS);
      return tx.tables.countOldest(table, where, age.ages, age.until, MAX_ENTRIES, age.index);
    });
  } catch (error) {
    if (!isTimeout(error)) throw error;
    return undefined;
  }
}
