import { log } from '@temporalio/activity';

import type { Backlog, PassBacklog } from '../backlog/backlog.ts';
import { estimateBacklog } from '../backlog/measure.ts';
import { hasGrown, paceOf } from '../backlog/pace.ts';
import { sayGrowth } from '../backlog/say-growth.ts';
import type { Database } from '../database/database.ts';
import type { BacklogMoment, UnmeasuredPass } from '../ledger/backlogs.ts';
import { passesToMeasure, readEarlierBacklogs, writeBacklog } from '../ledger/backlogs.ts';
import { noHolds, readHolds } from '../ledger/holds.ts';
import { keptList } from '../ledger/kept.ts';
import type { Note } from '../ledger/notes.ts';
import { addNotes } from '../ledger/notes.ts';
import { workOf } from '../passes/index.ts';
import { readCatalogTable } from '../sql/catalog.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import { inSnapshot, inTransaction } from '../sql/transaction.ts';

/** Whoever holds a table exclusively is not waited for long. */
const LIMITS = { lockMillis: 1_000, statementMillis: 5_000 };
/** A run that ends holds its lease meanwhile: after so long the passes that are left stay unknown. */
const MOST_MILLIS = 20_000;

/** What a pass was found to have. */
export interface MeasuredBacklog {
  readonly pass: string;
  readonly backlog: Partial<PassBacklog>;
  /** It can be said how old the rows are. */
  readonly aged: boolean;
}

/**
 * Looks at what waits for each pass of an open run, from samples and indexes, and keeps it in the ledger; at the end
 * also how fast rows come and go, with a note where a backlog grew since the run before or within a day. What goes wrong is said among
 * the notes and fails nothing. Answers what was not known before.
 */
export async function measureBacklogs(
  database: Database,
  run: number,
  moment: BacklogMoment,
): Promise<readonly MeasuredBacklog[]> {
  const measured: MeasuredBacklog[] = [];
  const until = performance.now() + MOST_MILLIS;
  for (const pass of await passesToMeasure(database.ledger, run, moment)) {
    try {
      if (performance.now() > until) throw new OutOfTime();
      const found = await measurePass(database, run, pass, moment);
      if (found !== undefined) measured.push(found);
    } catch (error) {
      await noteUnknown(database, run, pass.name, moment, error);
    }
  }
  return measured;
}

class OutOfTime extends Error {}

async function noteUnknown(
  { db, ledger }: Database,
  run: number,
  pass: string,
  moment: BacklogMoment,
  error: unknown,
): Promise<void> {
  log.debug(`measuring the backlog of pass ${pass} failed`, { error });
  const unexpected =
    error instanceof OutOfTime ? 'looking at the others took too long' : 'an unexpected error';
  const why = readDatabaseError(error)?.meaning ?? unexpected;
  const when = moment === 'before' ? 'begin' : 'end';
  const what = `the backlog of pass ${pass} at the ${when} of the run is not known: ${why}`;
  // Where nothing can be written, the next step of the run says so.
  await addNotes(db, ledger, run, [{ what }]).catch(() => undefined);
}

async function measurePass(
  database: Database,
  run: number,
  pass: UnmeasuredPass,
  moment: BacklogMoment,
): Promise<MeasuredBacklog | undefined> {
  const { db, ledger } = database;
  const look = await lookAt(database, run, pass);
  if (look === undefined) return undefined;
  const { found, aged } = look;
  const { backlog, notes } =
    moment === 'before'
      ? { backlog: { before: found }, notes: [] }
      : await compare(database, run, pass, found);
  await inTransaction(db, LIMITS, async (tx) => {
    await writeBacklog(tx, ledger, run, pass.ordinal, backlog);
    await addNotes(tx, ledger, run, notes);
  });
  return { pass: pass.name, backlog, aged };
}

/** Undefined where nothing can wait for the pass, or its table is gone. */
async function lookAt(
  { db, ledger }: Database,
  run: number,
  { frozen, millis, ordinal }: UnmeasuredPass,
): Promise<{ found: Backlog; aged: boolean } | undefined> {
  const work = workOf(frozen.kind);
  if (!('runBatch' in work)) return undefined;
  return inSnapshot(db, LIMITS, async (tx) => {
    const table = await readCatalogTable(tx, frozen.table);
    if (table === undefined) return undefined;
    const holds = (await readHolds(tx, ledger)) ?? noHolds(ledger);
    const kept = keptList(ledger, run, ordinal);
    const waiting = work.waiting?.(frozen, millis, holds, kept);
    if (waiting === undefined) return undefined;
    return { found: await estimateBacklog(tx, table, waiting), aged: waiting.age !== null };
  });
}

async function compare(
  { ledger }: Database,
  run: number,
  pass: UnmeasuredPass,
  after: Backlog,
): Promise<{ backlog: Partial<PassBacklog>; notes: readonly Note[] }> {
  const { previous, baseline } = await readEarlierBacklogs(ledger, run, pass);
  // Growth that is too slow to be seen from one run to the next is seen over a day.
  const grownSince = [previous, baseline].find((earlier) => earlier !== null && hasGrown(earlier, after));
  return {
    backlog: { after, ...paceOf(baseline, after) },
    notes: grownSince ? [{ what: sayGrowth(pass.name, grownSince, after) }] : [],
  };
}
