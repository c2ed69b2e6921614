import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { ValidationError } from '../../policy/issue.ts';
import type { Policy } from '../../policy/policy.ts';
import { isTooMany } from '../files/find-strays.ts';
import type { Root } from '../files/in-root.ts';
import { inRoot, refuseEmpty, rootOf } from '../files/in-root.ts';
import { knownKeysIn } from '../files/known.ts';
import type { PreviewedPass } from '../ledger/previews.ts';
import { instantOf } from '../ledger/reported.ts';
import type { FrozenDeleteRecordedFiles } from '../passes/delete-recorded-files.ts';
import type { FrozenSweepStrayFiles } from '../passes/sweep-stray-files.ts';
import type { Tx } from '../sql/transaction.ts';
import type { Present } from './gone-files.ts';
import { CHUNK, eachGone, present } from './gone-files.ts';
import { isRecorded, pathsGone } from './paths.ts';
import type { PreviewScript } from './script.ts';

/** What a pass would do with files. */
export type PreviewedFiles = Pick<PreviewedPass, 'files' | 'bytes'> &
  Partial<Pick<PreviewedPass, 'reported'>>;

/** Of a pass that has nothing to do with files. */
export const NO_FILES: PreviewedFiles = { files: 0, bytes: 0 };

/** Where files are looked at: on the snapshot of the rows. */
export interface FileScene {
  readonly tx: Tx;
  readonly policy: Policy;
  /** The instant of the snapshot. */
  readonly now: string;
  /** The files that wait, where the database has a ledger. */
  readonly outbox: RawBuilder<unknown> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A look at files for a pass, after the rows. */
export interface FileLook {
  readonly pass: string;
  readonly look: (scene: FileScene, root: Root) => Promise<PreviewedFiles>;
}

const TOO_MANY = 'they are more than maxStrayRatio allows: a run would remove none and fail';
const NOT_HERE = 'its root cannot be worked in on this machine';

/** Looks at the files of all passes, as a run would meet them. */
export async function countFiles(
  scene: FileScene,
  looks: readonly FileLook[],
): Promise<ReadonlyMap<string, PreviewedFiles>> {
  const found = new Map<string, PreviewedFiles>();
  for (const { pass: name, look } of looks) {
    const pass = scene.policy.passes.find((one) => one.name === name);
    if (pass === undefined || !('root' in pass)) continue;
    try {
      found.set(
        name,
        await inRoot(
          rootOf(pass, pass.root.name),
          () => undefined,
          async (root) => look(scene, root),
        ),
      );
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      // A preview is made where the person is; files are where the worker is.
      const reported = { found: 0, resolved: 0, unresolved: { [NOT_HERE]: 1 }, oldest: null };
      found.set(name, { ...NO_FILES, reported });
    }
  }
  return found;
}

/** Counts the files of rows that earlier passes would take, and those that wait since earlier runs. */
export function lookAtRecorded(
  { root, from, concurrency }: FrozenDeleteRecordedFiles,
  script: PreviewScript,
): FileLook['look'] {
  const gone = pathsGone(script, root, (pass) => from.includes(pass));
  const recorded = isRecorded(script, root);
  return async (scene, opened) => {
    const { policy, outbox, now } = scene;
    const waiting =
      outbox === undefined
        ? []
        : [
            sql`
              select path from ${outbox}
              where policy = ${policy.name} and pass = any(${[...from]}::text[]) and root = ${root.name}`,
          ];
    const sources = [...(gone === undefined ? [] : [gone]), ...waiting];
    if (sources.length === 0) return NO_FILES;
    const paths = sql.join(sources, sql` union all `);
    let files = 0;
    let bytes = 0;
    await eachGone(scene, opened, { root, script, paths, recorded, concurrency }, async (there) => {
      await refuseEmpty(root.name, opened, undefined);
      for (const file of there) {
        if (file.modified > Date.parse(now)) continue;
        files += 1;
        bytes += file.bytes;
      }
    });
    return { files, bytes };
  };
}

/** Counts the files that no row records, with those whose rows earlier passes would take without recording them. */
export function lookAtStrays(frozen: FrozenSweepStrayFiles, script: PreviewScript): FileLook['look'] {
  const { root, horizon, concurrency, remove } = frozen;
  const paths = pathsGone(script, root, (_, records) => !records);
  const recorded = isRecorded(script, root);
  const isOld = ({ modified }: Present): boolean => modified < Date.parse(horizon);
  return async (scene, opened) => {
    const { tx, outbox, signal } = scene;
    // Sums only: a root may have any number of strays.
    let [files, found, bytes, oldest] = [0, 0, 0, Infinity];
    const add = (stray: Present): void => {
      found += 1;
      bytes += stray.bytes;
      oldest = Math.min(oldest, stray.modified);
    };
    const lookAt = async (keys: readonly string[]): Promise<void> => {
      const there = await present(opened, keys, concurrency);
      files += there.length;
      const old = there.filter(isOld);
      const names = old.map(({ key }) => ({ key, path: key }));
      const known = await knownKeysIn(tx, opened.store, root, names, outbox);
      old.filter(({ key }) => !known.has(key)).forEach(add);
    };
    let keys: string[] = [];
    for await (const key of opened.open.list(null)) {
      signal?.throwIfAborted();
      keys.push(key);
      if (keys.length < CHUNK) continue;
      await lookAt(keys);
      keys = [];
    }
    await lookAt(keys);
    if (paths !== undefined) {
      await eachGone(scene, opened, { root, script, paths, recorded, concurrency }, async (there) => {
        there.filter(isOld).forEach(add);
      });
    }
    const refused = remove && isTooMany(frozen, { files, strays: found });
    if (remove && !refused) return { files: found, bytes };
    const unresolved = refused ? { [TOO_MANY]: found } : {};
    const reported = { found, resolved: 0, unresolved, oldest: instantOf(oldest), bytes };
    return { ...NO_FILES, reported };
  };
}
