import { hasIndexOn } from '../plan/strategy.ts';
import type { CatalogTable } from '../sql/catalog.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { limitStatements, tryAndUndo } from '../sql/transaction.ts';
import type { RowsByAge } from '../sql/waiting.ts';
import { countWaiting, findOldestWaiting, sampleWaiting } from '../sql/waiting.ts';
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
 * few, exactly. The oldest by that index, else the oldest of the sample.
 */
export async function estimateBacklog(tx: Tx, table: CatalogTable, waiting: Waiting): Promise<Backlog> {
  const byAge = await lookByAge(tx, table, waiting);
  if (byAge?.complete === true) {
    return { rows: byAge.rows, error: 0, oldestSeconds: byAge.oldestSeconds, atLeast: false };
  }
  const { rows, error, oldestSeconds } = await sampleWaiting(tx, table, table.pages, waiting);
  const oldest = byAge?.oldestSeconds ?? oldestSeconds;
  return {
    rows: Math.max(rows, byAge?.rows ?? 0),
    error,
    oldestSeconds: oldest,
    atLeast: byAge?.oldestSeconds == null && oldest !== null && error > 0,
  };
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
