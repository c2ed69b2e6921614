import type { Kysely } from 'kysely';

import { parseDuration } from '../../policy/duration.ts';
import type { SweepStrayFiles } from '../../policy/sweep-stray-files.ts';
import type { Cursor } from '../batch/cursor.ts';
import type { Outside, Prepared } from '../batch/outside.ts';
import { settleFiles } from '../batch/settle-files.ts';
import type { FileWork, ListingCursor } from '../files/file-work.ts';
import { findStrays, refuseTooMany } from '../files/find-strays.ts';
import type { Root } from '../files/in-root.ts';
import { inRoot, refuseEmpty, rootOf } from '../files/in-root.ts';
import { removeBegun } from '../files/remove-begun.ts';
import { FILES_PLAN, freezeRoot } from '../plan/freeze-root.ts';
import { horizonOf } from '../plan/horizon.ts';
import type { Scope } from '../plan/scope.ts';
import { lookAtStrays } from '../preview/files.ts';
import type { PreviewScript } from '../preview/script.ts';
import type { FrozenRoot } from '../sql/known-files.ts';
import { begunWaiting, forgetAll } from '../sql/outbox.ts';
import type { Tx } from '../sql/transaction.ts';
import type { BatchOutcome, BatchStep, FrozenPass, PassWork } from './pass.ts';

/** A `sweepStrayFiles` pass as a run keeps it. */
export interface FrozenSweepStrayFiles extends FrozenPass {
  readonly kind: 'sweepStrayFiles';
  readonly root: FrozenRoot;
  /** Files changed at this instant or later stay. */
  readonly horizon: string;
  readonly remove: boolean;
  readonly maxStrayRatio: number;
  readonly concurrency: number;
}

/** Files of a batch. */
const MOST_FILES = 1000;

const BEGIN: ListingCursor['listing'] = {
  removing: false,
  after: null,
  files: 0,
  strays: 0,
  again: { files: 0, strays: 0 },
};

/**
 * Files that no row records. A first walk counts them; where they are to be removed, and are not suspiciously many, a
 * second one writes each down with what it measures, and the batch after looks again and removes it.
 */
export const sweepStrayFilesWork: PassWork<SweepStrayFiles, FrozenSweepStrayFiles> = {
  kind: 'sweepStrayFiles',

  freeze(pass: SweepStrayFiles, scope: Scope): FrozenSweepStrayFiles | undefined {
    const root = freezeRoot(pass.root, scope);
    const table = root?.recordedBy[0]?.table;
    if (root === undefined || table === undefined) return undefined;
    const { remove, maxStrayRatio, concurrency } = pass;
    const grace = parseDuration(pass.grace) ?? Number.NaN;
    return {
      kind: 'sweepStrayFiles',
      table,
      counted: [],
      familySize: 1,
      root,
      horizon: horizonOf(scope.now, grace, CHANGED_AT),
      remove,
      maxStrayRatio,
      concurrency,
    };
  },

  plan: () => FILES_PLAN,

  preview(frozen: FrozenSweepStrayFiles, script: PreviewScript): void {
    script.lookAtFiles(lookAtStrays(frozen, script));
  },

  async prepare(
    frozen: FrozenSweepStrayFiles,
    db: Kysely<unknown>,
    cursor: Cursor,
    outside: Outside,
  ): Promise<Prepared> {
    const at = cursor !== null && 'listing' in cursor ? cursor.listing : BEGIN;
    return inRoot(rootOf(outside.pass, frozen.root.name), outside.heartbeat, async (opened) => {
      if (at.removing) return removeStrays(frozen, db, at, opened, outside);
      const found = await findStrays(db, opened, frozen, outside, at.after, MOST_FILES);
      const files = at.files + found.files;
      const strays = at.strays + found.strays.length;
      const next = { ...at, after: found.after, files, strays };
      const work = { settled: [], measured: [], strays: [] };
      if (!frozen.remove) {
        return { ...work, found: found.report, cursor: { listing: next }, end: found.end };
      }
      if (!found.end) return { ...work, cursor: { listing: next }, end: false };
      refuseTooMany(frozen, next);
      return { ...work, cursor: { listing: { ...next, removing: true, after: null } }, end: false };
    });
  },

  async runBatch(frozen: FrozenSweepStrayFiles, tx: Tx, step: BatchStep): Promise<BatchOutcome> {
    const { prepared, outbox, cursor } = step;
    if (prepared === undefined || !('settled' in prepared))
      throw new Error('a batch of files was not prepared');
    const root = frozen.root.name;
    // A run that died may have meant to remove some, before the policy said not to.
    if (cursor === null && !frozen.remove) await forgetAll(tx, { outbox, passes: [outbox.pass], root });
    return settleFiles(tx, outbox, root, prepared, 'forget');
  },
};

/** The clock of files, for the horizon. */
const CHANGED_AT = { name: '', type: 'timestamp with time zone' };

/** Removes the strays that were written down, and finds the next. */
async function removeStrays(
  frozen: FrozenSweepStrayFiles,
  db: Kysely<unknown>,
  at: ListingCursor['listing'],
  opened: Root,
  outside: Outside,
): Promise<FileWork> {
  const { root, concurrency, horizon } = frozen;
  const { outbox, signal, debug, pass } = outside;
  const waiting = { outbox, passes: [outbox.pass], root: root.name };
  const begun = await begunWaiting(db, waiting, undefined, 2 * MOST_FILES);
  const place = begun.length === 0 ? at.place : await refuseEmpty(root.name, opened, at.place);
  const meant = pass?.kind === 'sweepStrayFiles' && pass.remove;
  const unchangedSince = Date.parse(horizon);
  const settled = meant
    ? await removeBegun(db, opened, root, begun, { concurrency, signal, debug, unchangedSince })
    : begun.map(({ id }) => ({ id, removed: null, reason: 'the policy does not say remove any more' }));
  const stays = { settled, measured: [], strays: [], cursor: { listing: { ...at, place } }, end: false };
  if (settled.length < begun.length) return stays;
  const { files, strays, after, end } = await findStrays(db, opened, frozen, outside, at.after, MOST_FILES);
  const seen = files > 0 ? opened.open.place : place;
  const again = { files: at.again.files + files, strays: at.again.strays + strays.length };
  // Rows can go meanwhile, as when a backup is restored.
  refuseTooMany(frozen, { files: at.files, strays: again.strays });
  return {
    ...stays,
    strays: meant ? strays : [],
    cursor: { listing: { ...at, place: seen, after, again } },
    end: end && strays.length === 0 && begun.length < 2 * MOST_FILES,
  };
}
