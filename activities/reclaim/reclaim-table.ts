import { setTimeout as sleep } from 'node:timers/promises';

import type { Kysely } from 'kysely';

import type { Window } from '../../policy/window.ts';
import { sayWindow, windowAt } from '../../policy/window.ts';
import type { Database } from '../database/database.ts';
import type { Note } from '../ledger/notes.ts';
import type { ReclaimKey, ReclaimOutcome } from '../ledger/reclaims.ts';
import { writeEnded, writeStarted } from '../ledger/reclaims.ts';
import { bytesOf } from '../ledger/sizes.ts';
import { cancelledBy } from '../sql/cancel.ts';
import { readHindrances } from '../sql/hindrances.ts';
import { inSession, limitSession } from '../sql/session.ts';
import { readSizes } from '../sql/sizes.ts';
import type { TableSize } from '../sql/sizes.ts';
import { readDatabaseError } from '../sql/sqlstate.ts';
import type { Tx } from '../sql/transaction.ts';
import { becomeAlone } from './alone.ts';
import type { Mode } from './modes.ts';

/** How a table is worked on. */
export interface ReclaimWish {
  readonly key: ReclaimKey;
  readonly mode: Mode;
  readonly window: Window | null;
  readonly lockMillis: number;
  readonly retries: number;
}

/** What came of one table. */
export interface Reclaimed {
  /** Bytes given back; negative where the table grew meanwhile. */
  readonly bytes: number;
  readonly notes: readonly Note[];
  /** Writes the end into the journal, in the transaction that says that the table is done. */
  readonly keep: (tx: Tx) => Promise<void>;
}

/** Others wait so many times as long undisturbed as they were made to wait for a lock that was not granted. */
const REST = 5;

/**
 * Gives the space of one table back, with a row in the journal before and after. Answers also where it could not: what
 * others hold is left and said. Throws where the signal ends it, where the connection is lost, and what is hopeless.
 */
export async function reclaimTable(
  { db, ledger }: Database,
  wish: ReclaimWish,
  signal: AbortSignal,
): Promise<Reclaimed> {
  const { key } = wish;
  let started: number | undefined;
  try {
    return await inSession(db, async (session) => {
      await limitSession(session, { lockMillis: wish.lockMillis, statementMillis: 0 });
      await becomeAlone(session, ledger, key, signal);
      const before = await measure(session, key);
      const id = await writeStarted(session, ledger, key, before.bytes);
      started = id;
      const outcome = await attempt(session, db, wish, signal);
      // Whoever kept it from the table may keep its size as well.
      const after = outcome === 'done' ? await measure(session, key) : before;
      const held =
        outcome === 'done' && after.dead >= LEAST_DEAD ? await noteHeld(session, key, after.dead) : [];
      return {
        bytes: before.bytes - after.bytes,
        notes: [...noteOf(outcome, wish), ...held],
        keep: async (tx) => writeEnded(tx, ledger, id, outcome, after.bytes),
      };
    });
  } catch (error) {
    // Where the database is away, the next attempt finds what has no end.
    if (started !== undefined) {
      await writeEnded(db, ledger, started, endOf(error, signal), null).catch(() => undefined);
    }
    throw error;
  }
}

async function measure(
  session: Kysely<unknown>,
  { table }: ReclaimKey,
): Promise<{ readonly bytes: number; readonly dead: number }> {
  const [size] = await readSizes(session, [table]);
  return size === undefined ? { bytes: 0, dead: 0 } : { bytes: bytesOf(size), dead: size.dead };
}

/** Fewer dead rows that stay are no matter. */
const LEAST_DEAD = 1000;

/** Why so many dead rows are still there after a vacuum, where something is known to hold them. */
async function noteHeld(session: Kysely<unknown>, { table }: ReclaimKey, dead: number): Promise<Note[]> {
  const { hindrances } = await readHindrances(session);
  return hindrances.slice(0, 1).map(({ kind, name, detail, fix }) => ({
    what: `vacuum could not remove ${dead} dead rows of a table: a ${kind} holds it back. End it, and the next run gives their space back`,
    here: `table ${table.label}; ${name}, ${detail}. ${fix}`,
  }));
}

/** Runs the statement, again where others hold the table, inside its hours. */
async function attempt(
  session: Kysely<unknown>,
  db: Kysely<unknown>,
  { key, mode, window, lockMillis, retries }: ReclaimWish,
  signal: AbortSignal,
): Promise<ReclaimOutcome> {
  for (let tries = 0; ; tries += 1) {
    const left = millisLeft(window);
    if (left <= 0) return 'closed';
    await limitSession(session, { lockMillis, statementMillis: left === Infinity ? 0 : left });
    try {
      await cancelledBy(signal, db, session, async () => mode.statement(key.table).execute(session));
      return 'done';
    } catch (error) {
      signal.throwIfAborted();
      const sqlstate = readDatabaseError(error)?.sqlstate ?? '';
      if (sqlstate === CANCELLED) {
        return millisLeft(window) <= ROUNDING ? 'closed' : 'cancelled';
      }
      if (sqlstate === DISK_FULL) return 'failed';
      if (!HELD.has(sqlstate)) throw error;
      if (tries >= retries) return 'locked';
    }
    await sleep(REST * lockMillis, undefined, { signal });
  }
}

/** The server measures the statement's time by its own clock, in milliseconds. */
const ROUNDING = 1_000;

/** Milliseconds until a window closes, by the clock of this worker: 0 if it is closed, Infinity if it never does. */
function millisLeft(window: Window | null): number {
  if (window === null) return Infinity;
  const now = Date.now();
  const { open, until } = windowAt(window, now);
  return open ? until - now : 0;
}

const CANCELLED = '57014';
const DISK_FULL = '53100';
/** A lock that was not granted in time, or only by a deadlock's end. */
const HELD: ReadonlySet<string> = new Set(['55P03', '40P01']);

function endOf(error: unknown, signal: AbortSignal): ReclaimOutcome {
  if (signal.aborted) return 'cancelled';
  return readDatabaseError(error)?.verdict === 'stop' ? 'failed' : 'interrupted';
}

function noteOf(outcome: ReclaimOutcome, { key, window, retries }: ReclaimWish): Note[] {
  const here = `table ${key.table.label}`;
  switch (outcome) {
    case 'locked':
      return [
        {
          what: `a table was left as it is: other sessions held it each of ${retries + 1} times. Find who holds it, or give it a longer lockTimeout or more retries`,
          here,
        },
      ];
    case 'closed':
      return [
        {
          what: `a table was left as it is: its window${window === null ? '' : ` ${sayWindow(window)}`} ended before it was done. Begin the run earlier or make the window longer`,
          here,
        },
      ];
    case 'cancelled':
      return [{ what: 'a table was left as it is: somebody ended its statement on the server', here }];
    case 'failed':
      return [
        {
          what: "a table was left as it is: the database server's disk is full. Bring more, or give freeBytes so that this is known before",
          here,
        },
      ];
    case 'done':
    case 'interrupted':
      return [];
  }
}

/** Why a table is not begun; undefined where it may be. */
export async function whyNot(
  { key, mode, window }: ReclaimWish,
  size: TableSize,
  freeBytes: (() => number | Promise<number>) | undefined,
): Promise<Note | undefined> {
  if (window !== null && millisLeft(window) <= 0) {
    return {
      what: `tables were left as they are: window ${sayWindow(window)} was closed. Begin the run so that it gets here while the window is open`,
    };
  }
  const needed = mode.needs(size);
  if (needed === 0 || freeBytes === undefined) return undefined;
  const free = await freeBytes();
  if (free >= needed) return undefined;
  return {
    what: `a table was left as it is: its disk has no room to rewrite it, ${needed} bytes are needed and ${free} are free`,
    here: `table ${key.table.label}`,
  };
}
