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

/** So many of the oldest rows are read. */
const MAX_ENTRIES = 1000;
/** Dead entries at the begin of an index, as a run leaves them, can take any time to step over. */
const MAX_MILLIS = 1000;

/** Counts what waits for a pass, by reading tables. Takes minutes if they are large. */
export async function countBacklog(tx: Tx, table: CatalogTable, waiting: Waiting): Promise<Backlog> {
  return { ...(await countWaiting(tx, table, waiting)), error: 0, atLeast: false };
}

/**
 * Estimates what waits for a pass: from a few hundred pages, or, if an index on the age shows that there are only few,
 * exactly. The oldest comes from that index, else from the sample. A sample that was taken already is not taken again.
 */
export async function estimateBacklog(
  tx: Tx,
  table: CatalogTable,
  waiting: Waiting,
  taken?: Sample,
): Promise<Backlog> {
  const byAge = await readByAge(tx, table, waiting);
  if (byAge?.complete === true) {
    return { rows: byAge.rows, error: 0, oldestSeconds: byAge.oldestSeconds, atLeast: false };
  }
  const wish = { where: waiting.where, age: waitingSince(waiting), parts: 1 };
  const sample = taken ?? (await sampleTable(tx, table, [wish]))[0];
  if (sample === undefined) throw new Error(`table ${table.label} was not sampled`);
  const oldestSeconds = byAge?.oldestSeconds ?? sample.oldestSeconds;
  return {
    rows: Math.max(sample.rows, byAge?.rows ?? 0),
    error: sample.error,
    oldestSeconds,
    atLeast: byAge?.oldestSeconds == null && oldestSeconds !== null && sample.error > 0,
  };
}

/** Undefined if there is no index on the age, or if reading it takes too long. */
async function readByAge(tx: Tx, table: CatalogTable, waiting: Waiting): Promise<RowsByAge | undefined> {
  const [column, ...others] = waiting.age?.columns ?? [];
  if (waiting.age === null || column === undefined || others.length > 0) return undefined;
  if (!hasIndexOn(table, column)) return undefined;
  const { until } = waiting.age;
  try {
    return await tryAndUndo(tx, async () => {
      await limitStatements(tx, MAX_MILLIS);
      return findOldestWaiting(tx, table, waiting, column, until, MAX_ENTRIES);
    });
  } catch (error) {
    if (readDatabaseError(error)?.sqlstate !== '57014') throw error;
    return undefined;
  }
}
