import type { Tx } from '../dialect/dialect.ts';
import type { StoredSweepStrayFiles } from '../stored/pass.ts';
import type { Note, PreviewedPass } from '../stored/report.ts';
import type {
  PassStatus,
  OpenRun,
  RunOwner,
  RunSettings,
  RunPass,
  RunStatus,
  Holder,
} from '../stored/run.ts';
import type { Ledger } from './ledger.ts';

const LIMITS = { lockMillis: 10_000, statementMillis: 30_000 };
/** Finding the newest rows of all groups sorts a whole table. */
const KEEP_LAST_LIMITS = { lockMillis: 10_000, statementMillis: 300_000 };

/** The open run of a policy, which holds its lease. */
export async function findOpenRun(ledger: Ledger, policy: string): Promise<OpenRun | undefined> {
  return ledger.session.ledger.runs.findOpen(policy);
}

/**
 * Starts a run and takes the policy's lease; undefined if another run holds it. It started at the instant that its horizons
 * are counted from, so that what expires while guards are examined is counted as expired since.
 */
export async function insertRun(
  ledger: Ledger,
  owner: RunOwner,
  settings: RunSettings,
  passes: readonly RunPass[],
  startedAt: string,
): Promise<OpenRun | undefined> {
  return ledger.session.transaction(KEEP_LAST_LIMITS, async (tx) => {
    const id = await tx.ledger.runs.insert(owner, settings, startedAt);
    if (id === undefined) return undefined;
    await insertPasses(tx, id, passes);
    return { ...owner, id, startedAt, policy: settings.plan.policy, settings };
  });
}

/** Inserts a run that guards stopped, closed from the start. Returns the number of the run. */
export async function insertGuarded(
  ledger: Ledger,
  owner: RunOwner,
  settings: RunSettings,
  passes: readonly RunPass[],
  reasons: readonly string[],
): Promise<number> {
  return ledger.session.transaction(LIMITS, async (tx) => {
    const run = await tx.ledger.runs.insertGuarded(owner, settings, reasons);
    await insertPasses(tx, run, passes.map(removeMeasurements));
    return run;
  });
}

/** A run that deletes nothing need not write down which rows it would have kept, nor its backlog. */
function removeMeasurements({ before: _before, ...pass }: RunPass): RunPass {
  if (pass.stored?.keeps === undefined) return pass;
  const { keeps: _keeps, ...stored } = pass.stored;
  return { ...pass, stored };
}

async function insertPasses(tx: Tx, run: number, passes: readonly RunPass[]): Promise<void> {
  for (const [ordinal, pass] of passes.entries()) {
    await tx.ledger.runs.insertPass(run, ordinal, pass);
    if (pass.stored?.keeps !== undefined) await tx.ledger.keptRows.write(run, ordinal, pass.stored.keeps);
  }
}

interface RunEnding {
  readonly run: number;
  readonly status: RunStatus;
  readonly passes: readonly { readonly status: PassStatus; readonly error?: string }[];
  readonly reasons: readonly string[];
  readonly longestMillis: number;
}

/**
 * Closes a run: waits until no batch of it is open, folds the batches into the totals of its passes and gives the lease
 * back. No batch can commit to it afterwards. Does nothing if the run is closed. Returns whether it closed the run.
 */
export async function closeRun(ledger: Ledger, ending: RunEnding): Promise<boolean> {
  const { run, status, passes, reasons, longestMillis } = ending;
  return ledger.session.transaction(LIMITS, async (tx) => {
    await tx.batchLock.waitForBatches(ledger.lockKey('run', run));
    if (!(await tx.ledger.runs.close(run, status, reasons))) return false;
    await tx.ledger.reports.foldTotals(run, passes, longestMillis);
    await tx.ledger.keptRows.delete(run);
    return true;
  });
}

/** Closes a run whose workflow ended, so that another one can take the lease. Returns false if it was closed. */
export async function closeTerminatedRun(ledger: Ledger, { run, workflowId }: Holder): Promise<boolean> {
  return closeTerminated(ledger, run, `workflow ${workflowId} was closed without closing its run`);
}

/** Closes a run that a person says is over, since its Temporal cannot be asked any more. */
export async function closeByHand(ledger: Ledger, run: number): Promise<void> {
  await closeTerminated(ledger, run, 'closed by hand');
}

async function closeTerminated(ledger: Ledger, run: number, reason: string): Promise<boolean> {
  const status = 'terminated';
  return closeRun(ledger, { run, status, passes: [], reasons: [reason], longestMillis: 0 });
}

/** Adds notes to a run; one that it has is not added again. */
export async function addNotes(ledger: Ledger, run: number, notes: readonly Note[]): Promise<void> {
  await ledger.session.ledger.runs.addNotes(run, notes);
}

/** A note as this machine may show it. */
export function formatNote({ what, here }: Note): string {
  return here === undefined ? what : `${what} (${here})`;
}

/**
 * Tells passes that list a root how many files an earlier run of theirs has counted there, for progress only. A pass is
 * returned as it is if the ledger has no such run, or no batches of it any more.
 */
export async function expectFiles(
  ledger: Ledger,
  policy: string,
  passes: readonly RunPass[],
): Promise<RunPass[]> {
  return Promise.all(
    passes.map(async (pass) => {
      if (pass.stored === null || !isSweep(pass.stored)) return pass;
      const { root, remove } = pass.stored;
      const files = await ledger.session.ledger.batches.findCountedFiles(policy, pass.name, root.name);
      if (files === undefined) return pass;
      const expected = { files, walks: remove ? 2 : 1 } as const;
      return { ...pass, plan: { ...pass.plan, shards: [{ scan: 'files', expected }] } };
    }),
  );
}

function isSweep(stored: { readonly kind: string }): stored is StoredSweepStrayFiles {
  return stored.kind === 'sweepStrayFiles';
}

/**
 * Finds what was started and has no end, in a run or in closed runs of its policy: its worker or the server was killed.
 * Each is ended in the journal and noted with the run, once.
 */
export async function noteInterrupted(ledger: Ledger, run: number): Promise<void> {
  await ledger.session.transaction(LIMITS, async (tx) => {
    const found = await tx.ledger.reclaims.endInterrupted(run);
    const notes = found.map((reclaim) => {
      const whose = reclaim.run === run ? '' : ` of run ${reclaim.run}`;
      return {
        what:
          `pass ${reclaim.name}${whose} was interrupted at one table; the database undid or kept what it had done, ` +
          'and no row is lost. The next time does it again',
        here: `${reclaim.mode} of table ${reclaim.label}, begun ${reclaim.at}`,
      };
    });
    await tx.ledger.runs.addNotes(run, notes);
  });
}

/** Keeps a preview as a run that is over. Returns its number. Once for a workflow, however often it is tried. */
export async function insertPreview(
  ledger: Ledger,
  owner: RunOwner,
  policy: string,
  startedAt: string,
  passes: readonly PreviewedPass[],
): Promise<number> {
  return ledger.session.transaction(LIMITS, async (tx) => {
    const { previews } = tx.ledger;
    const earlier = await previews.find(owner, policy);
    if (earlier !== undefined) return earlier;
    const run = await previews.insert(owner, policy, startedAt);
    for (const [ordinal, pass] of passes.entries()) await previews.insertPass(run, ordinal, pass);
    await tx.ledger.runs.addNotes(run, passes.flatMap(describeBounds));
    return run;
  });
}

function describeBounds({ name, bounds }: PreviewedPass): Note[] {
  return bounds.map(({ rows, why, here }) => ({
    what: `pass ${name}: a run may not delete exactly the rows of the preview (${rows}): ${why}`,
    here,
  }));
}
