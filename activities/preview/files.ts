import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import { MistakesError } from '../../policy/mistake.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Root } from '../files/in-root.ts';
import { inRoot, rootOf } from '../files/in-root.ts';
import { keyOrRefusal, knownKeysIn } from '../files/known.ts';
import { several } from '../files/several.ts';
import type { PreviewedPass } from '../ledger/previews.ts';
import { instantOf } from '../ledger/reported.ts';
import type { FrozenDeleteRecordedFiles } from '../passes/delete-recorded-files.ts';
import type { FrozenSweepStrayFiles } from '../passes/sweep-stray-files.ts';
import type { Tx } from '../sql/transaction.ts';
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

/** So many files are looked at together. */
const CHUNK = 1000;
const NOT_HERE = 'its root cannot be opened on this machine';

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
      if (!(error instanceof MistakesError)) throw error;
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
  const gone = script.pathsGone(root, (pass) => from.includes(pass));
  const recorded = script.isRecorded(root);
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
    const select = sql`
      select distinct p.path
      from (${sql.join(sources, sql` union all `)}) as p
      where p.path <> '' and not ${recorded}`;
    let files = 0;
    let bytes = 0;
    await eachPath(scene, script.select(select), async (paths) => {
      for (const { bytes: of } of await present(
        opened,
        paths,
        concurrency,
        (modified) => modified <= Date.parse(now),
      )) {
        files += 1;
        bytes += of;
      }
    });
    return { files, bytes };
  };
}

/** Counts the files that no row records, with those whose rows earlier passes would take without recording them. */
export function lookAtStrays(frozen: FrozenSweepStrayFiles, script: PreviewScript): FileLook['look'] {
  const { root, horizon, concurrency, remove } = frozen;
  const gone = script.pathsGone(root, (_, records) => !records);
  const recorded = script.isRecorded(root);
  const isOld = (modified: number): boolean => modified < Date.parse(horizon);
  return async (scene, opened) => {
    const { tx, outbox, signal } = scene;
    const strays: { bytes: number; modified: number }[] = [];
    const lookAt = async (keys: readonly string[]): Promise<void> => {
      const old = await present(opened, keys, concurrency, isOld);
      const known = await knownKeysIn(
        tx,
        opened.store,
        root,
        old.map(({ key }) => key),
        outbox,
      );
      strays.push(...old.filter(({ key }) => !known.has(key)));
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
    if (gone !== undefined) {
      const select = sql`select distinct p.path from (${gone}) as p where p.path <> '' and not ${recorded}`;
      await eachPath(scene, script.select(select), async (paths) => {
        strays.push(...(await present(opened, paths, concurrency, isOld)));
      });
    }
    const bytes = strays.reduce((sum, stray) => sum + stray.bytes, 0);
    if (remove) return { files: strays.length, bytes };
    const oldest = strays.reduce((least, { modified }) => Math.min(least, modified), Infinity);
    const reported = { found: strays.length, resolved: 0, unresolved: {}, oldest: instantOf(oldest), bytes };
    return { ...NO_FILES, reported };
  };
}

/** Reads the paths of a select some at a time, so that any number of them is no matter. */
async function eachPath(
  { tx, signal }: FileScene,
  select: RawBuilder<unknown>,
  work: (paths: readonly string[]) => Promise<void>,
): Promise<void> {
  await sql`declare vacuum_files no scroll cursor for ${select}`.execute(tx);
  for (;;) {
    signal?.throwIfAborted();
    const { rows } = await sql<{ path: string }>`fetch ${sql.lit(CHUNK)} from vacuum_files`.execute(tx);
    if (rows.length === 0) break;
    await work(rows.map(({ path }) => path));
  }
  await sql`close vacuum_files`.execute(tx);
}

/** Those of some paths that name files that are there and whose time will do. */
async function present(
  { store, open }: Root,
  paths: readonly string[],
  concurrency: number,
  will: (modified: number) => boolean,
): Promise<{ key: string; bytes: number; modified: number }[]> {
  const keys = new Set(paths.map((path) => keyOrRefusal(store, path)).filter((key) => typeof key === 'string'));
  const list = [...keys];
  const attempts = await several(
    list,
    concurrency,
    () => true,
    async (key) => open.look(key),
  );
  return attempts.flatMap((attempt, n) => {
    if (!('answer' in attempt) || attempt.answer === undefined || !will(attempt.answer.modified)) return [];
    return [{ key: list[n] as string, ...attempt.answer }];
  });
}
