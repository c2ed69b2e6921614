import { log } from '@temporalio/activity';

import type { MeasuredBacklog } from '../backlog/backlog.ts';
import { computePace, describeGrowth, hasGrown } from '../backlog/backlog.ts';
import { estimateBacklog } from '../backlog/measure.ts';
import type { Database } from '../database/database.ts';
import type { BacklogMoment, UnmeasuredPass } from '../ledger/backlogs.ts';
import { passesToMeasure, readEarlierBacklog, writeBacklog } from '../ledger/backlogs.ts';
import { noHolds, readHolds } from '../ledger/holds.ts';
import { keptList } from '../ledger/kept.ts';
import { addNotes } from '../ledger/notes.ts';
import { workOf } from '../passes/index.ts';
import { readCatalogTable } from '../sql/catalog.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import { inSnapshot, inTransaction } from '../sql/transaction.ts';

/** A session that holds a table exclusively is not waited for long. */
const LIMITS = { lockMillis: 1_000, statementMillis: 5_000 };
/** A run that ends holds its lease meanwhile: after this time the other passes stay unknown. */
const MAX_MILLIS = 20_000;

/**
 * Measures the backlog of each pass of an open run that has none yet, and writes it into the ledger. At the end of a run
 * it adds how fast rows come and go, and a note if a backlog grew since the run before or within a day. An error becomes
 * a note and fails nothing. Returns what was measured now.
 */
export async function measureBacklogs(
  database: Database,
  run: number,
  moment: BacklogMoment,
): Promise<readonly MeasuredBacklog[]> {
  const { db, ledger } = database;
  const measured: MeasuredBacklog[] = [];
  const until = performance.now() + MAX_MILLIS;
  for (const pass of await passesToMeasure(ledger, run, moment)) {
    let reason: string | undefined = 'measuring the others took too long';
    try {
      if (performance.now() <= until) {
        const found = await measurePass(database, run, pass, moment);
        if (found !== undefined) measured.push(found);
        reason = undefined;
      }
    } catch (error) {
      log.debug(`measuring the backlog of pass ${pass.name} failed`, { error });
      reason = readDatabaseError(error)?.meaning ?? 'an unexpected error';
    }
    if (reason === undefined) continue;
    const when = moment === 'before' ? 'begin' : 'end';
    const what = `the backlog of pass ${pass.name} at the ${when} of the run is not known: ${reason}`;
    // If nothing can be written, the next step of the run reports it.
    await addNotes(db, ledger, run, [{ what }]).catch(() => undefined);
  }
  return measured;
}

/** Undefined if nothing can wait for the pass, or if its table was dropped. */
async function measurePass(
  { db, ledger }: Database,
  run: number,
  pass: UnmeasuredPass,
  moment: BacklogMoment,
): Promise<MeasuredBacklog | undefined> {
  const { frozen, millis, name, ordinal } = pass;
  const work = workOf(frozen.kind);
  if (!('runBatch' in work)) return undefined;
  const measured = await inSnapshot(db, LIMITS, async (tx) => {
    const table = await readCatalogTable(tx, frozen.table);
    if (table === undefined) return undefined;
    const holds = (await readHolds(tx, ledger)) ?? noHolds(ledger);
    const waiting = work.waiting?.(frozen, millis, holds, keptList(ledger, run, ordinal));
    if (waiting === undefined) return undefined;
    return { found: await estimateBacklog(tx, table, waiting), aged: waiting.age !== null };
  });
  if (measured === undefined) return undefined;
  const { found, aged } = measured;
  let backlog: MeasuredBacklog['backlog'] = { before: found };
  const notes: string[] = [];
  if (moment === 'after') {
    const previous = await readEarlierBacklog(ledger, run, pass, 'the run before');
    const ofDay = await readEarlierBacklog(ledger, run, pass, 'the oldest of the last day');
    backlog = { after: found, ...computePace(ofDay ?? previous, found) };
    // Growth that is too slow to be seen from one run to the next is seen over a day.
    const grown = [previous, ofDay].find((earlier) => earlier !== null && hasGrown(earlier, found)) ?? null;
    if (grown !== null) notes.push(describeGrowth(name, grown, found));
  }
  await inTransaction(db, LIMITS, async (tx) => {
    await writeBacklog(tx, ledger, run, ordinal, backlog);
    await addNotes(
      tx,
      ledger,
      run,
      notes.map((what) => ({ what })),
    );
  });
  return { pass: name, backlog, aged };
}
