import { setTimeout as sleep } from 'node:timers/promises';

import { countNouns } from '../../policy/count-nouns.ts';
import { formatBytes } from '../../policy/format-bytes.ts';
import type { ReclaimMode } from '../../policy/reclaim-space.ts';
import type { Window } from '../../policy/window.ts';
import { formatWindow, windowAt } from '../../policy/window.ts';
import type { Session } from '../dialect/dialect.ts';
import { readDatabaseError } from '../dialect/read-error.ts';
import type { Reclaim, ReclaimEntry, ReclaimSession } from '../dialect/reclaim.ts';
import type { TableName } from '../stored/columns.ts';
import type { StoredReclaimSpace } from '../stored/pass.ts';
import type { ReclaimOutcome } from '../stored/reclaim.ts';
import type { Note } from '../stored/report.ts';
import type { TableSize } from '../stored/size.ts';
import type { TableOutcome } from './table-step.ts';

/** How long to leave the session that works on the table before looking again, in milliseconds. */
const OWN_PAUSE = 500;
/** After a lock was not granted, others get so many times as long undisturbed as they had to wait behind it. */
const REST_FACTOR = 5;
/** The server measures the time of the statement by its own clock, in milliseconds. */
const ROUNDING_MILLIS = 1_000;
/** A table with fewer dead rows is small. Fewer that stay after a vacuum are not reported. */
const MIN_DEAD = 1000;
/** Prefect's guide, too, starts to watch a table at this ratio of dead rows. */
const DEAD_RATIO = 0.2;

/** What is known of a mode. */
interface Mode {
  /** Free disk that it needs meanwhile, in bytes. */
  countNeededBytes(size: TableSize): number;
  /** Whether it is worth it for a table that the run deleted nothing from and that no policy names. */
  isWorthIt(size: TableSize): boolean;
  /** What to do if others hold the table each time. */
  readonly whenLocked: string;
}

const LONGER_OR_MORE = 'Find who holds it, or give it a longer lockTimeout or more retries';

/** The modes: a new one is an entry here, and one in the dialect. */
export const MODES: { readonly [M in ReclaimMode]: Mode } = {
  vacuum: {
    countNeededBytes: () => 0,
    isWorthIt: ({ live, dead }) => dead >= MIN_DEAD && dead > DEAD_RATIO * live,
    whenLocked: LONGER_OR_MORE,
  },
  full: {
    // The new table and indexes stand beside the old ones; building an index sorts as much again.
    countNeededBytes: ({ heap, toast, indexes }) => heap + toast + 2 * indexes,
    isWorthIt: () => false,
    whenLocked: LONGER_OR_MORE,
  },
  reindex: {
    // A new index stands beside the old one, and is sorted on the disk.
    countNeededBytes: ({ indexes }) => 2 * indexes,
    isWorthIt: () => false,
    // Its wait is not that of the policy.
    whenLocked: 'Find the transaction that uses it for more than a minute, or give it more retries',
  },
};

type ReclaimOptions = Pick<StoredReclaimSpace, 'window' | 'lockMillis' | 'retries'>;

/**
 * Gives the space of one table back, with an entry in the journal before and after. Returns also if it could not: a table
 * that others hold is left alone and reported. Throws if the signal ends it, if the connection is lost, and if it would
 * never work.
 */
export async function reclaimTable(
  session: Session,
  reclaim: Reclaim,
  entry: ReclaimEntry,
  options: ReclaimOptions,
  signal: AbortSignal,
): Promise<TableOutcome> {
  const { table } = entry;
  let started: number | undefined;
  try {
    return await reclaim.run(async (own) => {
      await own.limit({ lockMillis: options.lockMillis, statementMillis: 0 });
      await waitUntilOwned(own, entry, signal);
      const before = await measure(own, table);
      const id = await own.recordStart(entry, before.bytes);
      started = id;
      const outcome = await tryToReclaim(own, entry, options, signal);
      // If others kept it from the table they may keep its size as well.
      const after = outcome === 'done' ? await measure(own, table) : before;
      const blocked =
        outcome === 'done' && after.dead >= MIN_DEAD ? await noteBlocked(own, table, after.dead) : [];
      return {
        bytes: before.bytes - after.bytes,
        notes: [...noteOutcome(outcome, entry, options), ...blocked],
        record: async (tx) => tx.ledger.reclaims.recordEnd(id, outcome, after.bytes),
      };
    });
  } catch (error) {
    // If the database is away, the next attempt finds the entry without an end.
    if (started !== undefined) {
      const outcome = classifyError(error, signal);
      await session.ledger.reclaims.recordEnd(started, outcome, null).catch(() => undefined);
    }
    throw error;
  }
}

/**
 * Waits until this session is the only one of ours that works on the table. An earlier attempt is ended; one of another
 * open run is waited for.
 */
async function waitUntilOwned(
  own: ReclaimSession,
  { table, run }: ReclaimEntry,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  while (!(await own.tryToOwn(table, run))) {
    await sleep(OWN_PAUSE);
    signal.throwIfAborted();
  }
}

async function measure(
  { sizes }: ReclaimSession,
  table: TableName,
): Promise<{ readonly bytes: number; readonly dead: number }> {
  const [size] = await sizes.read([table]);
  if (size === undefined) return { bytes: 0, dead: 0 };
  return { bytes: size.heap + size.indexes + size.toast, dead: size.dead };
}

/** Notes why so many dead rows are still there after a vacuum, if something is known to block it. */
async function noteBlocked({ sizes }: ReclaimSession, table: TableName, dead: number): Promise<Note[]> {
  const { blockers } = await sizes.readVacuumBlockers();
  return blockers.slice(0, 1).map(({ kind, name, detail, fix }) => ({
    what: `vacuum could not remove ${countNouns(dead, 'dead row')} of a table: a ${kind} holds it back. End it, and the next run gives their space back`,
    here: `table ${table.label}; ${name}, ${detail}. ${fix}`,
  }));
}

/** Runs the statement inside its window, again if others hold the table. */
async function tryToReclaim(
  own: ReclaimSession,
  { table, mode }: ReclaimEntry,
  { window, lockMillis, retries }: ReclaimOptions,
  signal: AbortSignal,
): Promise<ReclaimOutcome> {
  for (let tries = 0; ; tries += 1) {
    const left = countMillisLeft(window);
    if (left <= 0) return 'closed';
    await own.limit({ lockMillis, statementMillis: left === Infinity ? 0 : left });
    try {
      await own.reclaim(mode, table, signal);
      return 'done';
    } catch (error) {
      signal.throwIfAborted();
      const kind = readDatabaseError(error)?.kind;
      if (kind === 'timeout') return countMillisLeft(window) <= ROUNDING_MILLIS ? 'closed' : 'cancelled';
      if (kind === 'disk full') return 'failed';
      if (kind !== 'lock' && kind !== 'deadlock' && kind !== 'busy') throw error;
      if (tries >= retries) return 'locked';
    }
    await sleep(REST_FACTOR * lockMillis, undefined, { signal });
  }
}

/** Milliseconds until a window closes, by the clock of this worker: 0 if it is closed, Infinity if it never closes. */
export function countMillisLeft(window: Window | null): number {
  if (window === null) return Infinity;
  const now = Date.now();
  const { open, until } = windowAt(window, now);
  return open ? until - now : 0;
}

function classifyError(error: unknown, signal: AbortSignal): ReclaimOutcome {
  if (signal.aborted) return 'cancelled';
  return readDatabaseError(error)?.verdict === 'stop' ? 'failed' : 'interrupted';
}

function noteOutcome(
  outcome: ReclaimOutcome,
  { table, mode }: ReclaimEntry,
  options: ReclaimOptions,
): Note[] {
  const why = describeOutcome(outcome, MODES[mode], options);
  return why === undefined
    ? []
    : [{ what: `a table was left as it is: ${why}`, here: `table ${table.label}` }];
}

function describeOutcome(
  outcome: ReclaimOutcome,
  { whenLocked }: Mode,
  { window, retries }: ReclaimOptions,
): string | undefined {
  switch (outcome) {
    case 'locked':
      return `other sessions held it ${retries === 0 ? 'all the time' : `each of ${retries + 1} times`}. ${whenLocked}`;
    case 'closed':
      return `its window${window === null ? '' : ` ${formatWindow(window)}`} ended before it was done. Start the run earlier or make the window longer`;
    case 'cancelled':
      return 'somebody ended its statement on the server';
    case 'failed':
      return "the database server's disk is full. Add space, or give freeBytes so that this is known before";
    case 'done':
    case 'interrupted':
      return undefined;
  }
}

/** Explains why a table is not started; undefined if it may be. `neededBytes` is the free disk that it needs. */
export async function explainSkip(
  { window }: Pick<StoredReclaimSpace, 'window'>,
  table: TableName,
  neededBytes: number,
  countFreeBytes: (() => number | Promise<number>) | undefined,
): Promise<Note | undefined> {
  if (window !== null && countMillisLeft(window) <= 0) {
    return {
      what: `tables were left as they are: window ${formatWindow(window)} was closed. Start the run so that it gets here while the window is open`,
    };
  }
  if (neededBytes === 0 || countFreeBytes === undefined) return undefined;
  const free = await countFreeBytes();
  if (free >= neededBytes) return undefined;
  return {
    what: `a table was left as it is: its disk has no room to rewrite it, which needs ${formatBytes(neededBytes)} and has ${formatBytes(free)}`,
    here: `table ${table.label}`,
  };
}
