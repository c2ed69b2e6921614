import { parseDuration } from '../../policy/duration.ts';
import type { SweepStrayFiles } from '../../policy/sweep-stray-files.ts';
import { makeExclusion } from '../files/exclude.ts';
import { previewStrayFiles } from '../files/file-preview.ts';
import type { FileWork } from '../files/file-work.ts';
import type { MisreadPosition } from '../files/find-misread.ts';
import { assertNotMisread, FIRST_PATH } from '../files/find-misread.ts';
import { assertNotTooMany, findStrays, UNREADABLE } from '../files/find-strays.ts';
import type { Root } from '../files/open-root.ts';
import { assertNotEmpty, findRoot, withRoot } from '../files/open-root.ts';
import { listPathIndexes } from '../files/path-indexes.ts';
import { recordFileResults } from '../files/record-file-results.ts';
import { removeFiles } from '../files/remove-files.ts';
import { computeHorizon } from '../resolve/compute-horizon.ts';
import { FILES_PLAN, resolveRoot } from '../resolve/file-roots.ts';
import { listRecordedFiles } from '../resolve/soft-dependents.ts';
import type { PrepareContext } from '../steps/batch-step.ts';
import type { ListingCursor } from '../stored/cursor.ts';
import type { StoredSweepStrayFiles } from '../stored/pass.ts';
import type { BatchKind } from './pass.ts';

/** Files of a batch. */
const MAX_FILES = 1000;
/** Chunks of recorded paths that a batch checks. */
const CHUNKS = 10;

const START: ListingCursor['listing'] = {
  removing: false,
  after: null,
  files: 0,
  strays: 0,
  again: { files: 0, strays: 0 },
};

/** The clock of files, for the horizon. */
const CHANGED_AT = { name: '', type: 'timestamp with time zone' };

/**
 * Files that no row records. A first listing counts them. If the policy says to remove them, they are not suspiciously many
 * and every recorded path can be read, a second one records each with its size, and the next batch checks again and removes it.
 */
export const sweepStrayFilesKind: BatchKind<SweepStrayFiles, StoredSweepStrayFiles> = {
  kind: 'sweepStrayFiles',

  entities: ({ root }) => root.recordedBy.map(({ entity }) => entity),

  repairs: ({ root, remove }) => (remove ? listRecordedFiles([root]) : []),

  resolve(pass, scope) {
    const root = resolveRoot(pass.root, scope);
    const table = root?.recordedBy[0]?.table;
    if (root === undefined || table === undefined) return undefined;
    const { remove, maxStrayRatio, exclude, concurrency } = pass;
    const grace = parseDuration(pass.grace) ?? Number.NaN;
    return {
      kind: 'sweepStrayFiles',
      table,
      counted: [],
      rowsPerParent: 1,
      root,
      horizon: computeHorizon(scope.now, grace, CHANGED_AT),
      remove,
      maxStrayRatio,
      // What is usual is known when a run begins: see `limitStrays`.
      maxStrays: null,
      exclude,
      concurrency,
    };
  },

  plan: () => FILES_PLAN,

  preview: () => undefined,

  previewFiles: (stored, query) => previewStrayFiles(stored, query),

  wantedIndexes: ({ root }) => listPathIndexes(root),

  evidence: ({ root }) => root.recordedBy.map(({ table }) => table),

  async prepare(stored, cursor, context) {
    const { session, pass, heartbeat } = context;
    const at = cursor !== null && 'listing' in cursor ? cursor.listing : START;
    return withRoot(findRoot(pass, stored.root.name), heartbeat, async (opened) => {
      if (at.removing) return removeStrays(stored, at, opened, context);
      if (at.checking !== undefined) return checkPaths(stored, at, at.checking, opened, context);
      const found = await findStrays(session, opened, stored, context, at.after, MAX_FILES);
      const files = at.files + found.files;
      const strays = at.strays + found.strays.length;
      const next = { ...at, after: found.after, files, strays };
      const work = { fileResults: [], measured: [], strays: [] };
      if (!stored.remove) {
        return { ...work, found: found.report, cursor: { listing: next }, done: found.done };
      }
      if (!found.done) return { ...work, cursor: { listing: next }, done: false };
      assertNotTooMany(stored, next);
      return checkPaths(stored, next, FIRST_PATH, opened, context);
    });
  },

  async runBatch(stored, tx, { prepared, outbox, cursor }) {
    if (prepared === undefined || !('fileResults' in prepared))
      throw new Error('a batch of files was not prepared');
    const root = stored.root.name;
    // A run that died may have recorded strays to remove, before the policy stopped saying remove.
    if (cursor === null && !stored.remove) {
      await tx.ledger.recordedFiles.forgetAll({ outbox, passes: [outbox.pass], root });
    }
    return recordFileResults(tx, outbox, root, prepared, 'forget');
  },
};

/** Checks some recorded paths; once all are readable, the second listing removes. */
async function checkPaths(
  { root, concurrency }: StoredSweepStrayFiles,
  { checking: _checked, ...at }: ListingCursor['listing'],
  from: MisreadPosition,
  opened: Root,
  { session, signal }: PrepareContext,
): Promise<FileWork> {
  let checking: MisreadPosition | undefined = from;
  for (let chunk = 0; chunk < CHUNKS && checking !== undefined && !signal.aborted; chunk += 1) {
    checking = await assertNotMisread(session, opened, root, concurrency, checking);
  }
  const listing = checking === undefined ? { ...at, removing: true, after: null } : { ...at, checking };
  return { fileResults: [], measured: [], strays: [], cursor: { listing }, done: false };
}

/** Removes the strays that are recorded, and finds the next. */
async function removeStrays(
  stored: StoredSweepStrayFiles,
  at: ListingCursor['listing'],
  opened: Root,
  { session, outbox, signal, debug, pass }: PrepareContext,
): Promise<FileWork> {
  const { root, concurrency, horizon } = stored;
  const part = { outbox, passes: [outbox.pass], root: root.name };
  const started = await session.ledger.recordedFiles.readStarted(part, undefined, 2 * MAX_FILES);
  const rootId = started.length === 0 ? at.rootId : await assertNotEmpty(root.name, opened, at.rootId);
  const mayRemove = pass?.kind === 'sweepStrayFiles' && pass.remove;
  const options = { concurrency, signal, debug, unchangedSince: Date.parse(horizon) };
  const isExcluded = makeExclusion(stored.exclude);
  const mayGo = mayRemove ? started.filter(({ path }) => !isExcluded(path)) : [];
  const reason = mayRemove ? 'the policy excludes it by now' : 'the policy does not say remove any more';
  const kept = started
    .filter((file) => !mayGo.includes(file))
    .map(({ id }) => ({ id, removed: null, reason }));
  const fileResults = [...kept, ...(await removeFiles(session, opened, root, mayGo, options))];
  const stays = {
    fileResults,
    measured: [],
    strays: [],
    cursor: { listing: { ...at, rootId } },
    done: false,
  };
  if (fileResults.length < started.length) return stays;
  // Unreadable folders behind the last file would be counted by each listing that goes on after it.
  if (at.ended === true) return { ...stays, done: started.length < 2 * MAX_FILES };
  const found = await findStrays(session, opened, stored, { signal, debug }, at.after, MAX_FILES);
  const seenId = found.files > 0 ? opened.open.rootId : rootId;
  const again = { files: at.again.files + found.files, strays: at.again.strays + found.strays.length };
  // Rows can disappear meanwhile, as when a backup is restored.
  assertNotTooMany(stored, { files: at.files, strays: again.strays });
  return {
    ...stays,
    strays: mayRemove ? found.strays : [],
    left: found.unreadable === 0 ? {} : { [UNREADABLE]: found.unreadable },
    cursor: {
      listing: { ...at, rootId: seenId, after: found.after, again, ...(found.done ? { ended: true } : {}) },
    },
    done: found.done && found.strays.length === 0 && started.length < 2 * MAX_FILES,
  };
}
