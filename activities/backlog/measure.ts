import { hasIndexOn } from '../plan/strategy.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import type { Sample } from '../sql/sample.ts';
import { sampleTable } from '../sql/sample.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { limitStatements, tryAndUndo } from '../sql/transaction.ts';
import type { RowsByAge } from '../sql/waiting.ts';
import { countWaiting, findOldestWaiting, waitingSince } from '../sql/waiting.ts';
import type { Backlog, Waiting } from './backlog.ts';

/** So many of the oldest rows are looked at. */
const MOST_ENTRIES = 1000;
/** Dead entries at the begin of an index, as a run leaves them, can take any time to step over. */
const LOOK_MILLIS = 1000;

/** Counts what waits for a pass, by reading tables. Takes minutes where they are large. */
export async function countBacklog(tx: Tx, table: CatalogTable, waiting: Waiting): Promise<Backlog> {
  return { ...(await countWaiting(tx, table, waiting)), error: 0, atLeast: false };
}

/**
 * Estimates what waits for a pass: from a few hundred pages, or, where an index on the age shows that there are only
 * few, exactly. The oldest by that index, else the oldest of the sample. A sample that was taken already is not taken again.
 */
export async function estimateBacklog(
  tx: Tx,
  table: CatalogTable,
  waiting: Waiting,
  taken?: Sample,
): Promise<Backlog> {
  const byAge = await lookByAge(tx, table, waiting);
  if (byAge?.complete === true) {
    return { rows: byAge.rows, error: 0, oldestSeconds: byAge.oldestSeconds, atLeast: false };
  }
  const sample = taken ?? (await sampleWaiting(tx, table, waiting));
  if (sample === undefined) throw new Error(`table ${table.label} was not sampled`);
  const { rows, error, oldestSeconds } = sample;
  const oldest = byAge?.oldestSeconds ?? oldestSeconds;
  return {
    rows: Math.max(rows, byAge?.rows ?? 0),
    error,
    oldestSeconds: oldest,
    atLeast: byAge?.oldestSeconds == null && oldest !== null && error > 0,
  };
}

async function sampleWaiting(tx: Tx, table: CatalogTable, waiting: Waiting): Promise<Sample | undefined> {
  const wish = { where: waiting.where, age: waitingSince(waiting), parts: 1 };
  return (await sampleTable(tx, table, [wish]))[0];
}

/** Undefined where there is no index on the age, or where it takes too long. */
async function lookByAge(tx: Tx, table: CatalogTable, waiting: Waiting): Promise<RowsByAge | undefined> {
  const { age } = waiting;
  if (age === null || age.columns.length > 1) return undefined;
  const [column] = age.columns;
  if (!hasIndexOn(table, column)) return undefined;
  try {
    return await tryAndUndo(tx, async () => {
      await limitStatements(tx, LOOK_MILLIS);
      return findOldestWaiting(tx, table, waiting, column, age.until, MOST_ENTRIES);
    });
  } catch (error) {
    if (readDatabaseError(error)?.sqlstate !== '57014') throw error;
    return undefined;
  }
}
