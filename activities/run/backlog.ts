import { log } from '@temporalio/activity';

import { readDatabaseError } from '../dialect/read-error.ts';
import { computePace, describeGrowth, hasGrown } from '../inspect/backlog.ts';
import type { Database } from '../ledger/database.ts';
import { NO_HOLDS } from '../ledger/holds.ts';
import { addNotes } from '../ledger/runs.ts';
import { hasBacklog, measureBacklog } from '../plan/measure-backlog.ts';
import { shiftHorizons } from '../resolve/compute-horizon.ts';
import type { BacklogMoment, MeasuredBacklog } from '../stored/backlog.ts';
import type { UnmeasuredPass } from '../stored/run.ts';

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
  const { session, ledger } = database;
  const measured: MeasuredBacklog[] = [];
  const until = performance.now() + MAX_MILLIS;
  for (const pass of await session.ledger.backlogs.findUnmeasured(run, moment)) {
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
    await addNotes(ledger, run, [{ what }]).catch(() => undefined);
  }
  return measured;
}

/** Undefined if nothing can wait for the pass, or if its table was dropped. */
async function measurePass(
  { session }: Database,
  run: number,
  pass: UnmeasuredPass,
  moment: BacklogMoment,
): Promise<MeasuredBacklog | undefined> {
  const { stored, millis, name, ordinal } = pass;
  if (!hasBacklog(stored.kind)) return undefined;
  // What expired since the run started counts as well.
  const shifted = shiftHorizons(stored, millis);
  const measured = await session.snapshot(LIMITS, async (tx) => {
    const table = await tx.facts.readTable(stored.table);
    if (table === undefined) return undefined;
    const holds = (await tx.ledger.holds.readInForce()) ?? NO_HOLDS;
    return measureBacklog(tx, table, shifted, { holds, keepLast: { run, pass: ordinal } });
  });
  if (measured === undefined) return undefined;
  const { found, aged } = measured;
  let backlog: MeasuredBacklog['backlog'] = { before: found };
  const notes: string[] = [];
  if (moment === 'after') {
    const { backlogs } = session.ledger;
    const previous = await backlogs.readEarlier(run, pass, 'the run before');
    const dayAgo = await backlogs.readEarlier(run, pass, 'the oldest of the last day');
    backlog = { after: found, ...computePace(dayAgo ?? previous, found) };
    // Growth that is too slow to be seen from one run to the next is seen over a day.
    const grown = [previous, dayAgo].find((earlier) => earlier !== null && hasGrown(earlier, found)) ?? null;
    if (grown !== null) notes.push(describeGrowth(name, grown, found));
  }
  await session.transaction(LIMITS, async (tx) => {
    await tx.ledger.backlogs.write(run, ordinal, backlog);
    await tx.ledger.runs.addNotes(
      run,
      notes.map((what) => ({ what })),
    );
  });
  return { pass: name, backlog, aged };
}
