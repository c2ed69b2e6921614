import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

import type { StoredFile } from '../../policy/file-store.ts';
import type { Root } from '../files/in-root.ts';
import { keyOrRefusal } from '../files/known.ts';
import { several } from '../files/several.ts';
import type { FrozenRoot } from '../sql/known-files.ts';
import { knownAmong } from '../sql/known-files.ts';
import type { Tx } from '../sql/transaction.ts';
import type { FileScene } from './files.ts';
import type { PreviewScript } from './script.ts';

/** So many files are looked at together. */
export const CHUNK = 1000;

/** A file that is there, and its key. */
export type Present = StoredFile & { readonly key: string };

/** The files of some paths that no row records that stays; `recorded` says that of a path of alias `p`. */
export interface GonePaths {
  readonly root: FrozenRoot;
  readonly script: PreviewScript;
  /** A select of them, column `path`. */
  readonly paths: RawBuilder<unknown>;
  readonly recorded: RawBuilder<boolean>;
  readonly concurrency: number;
}

/** Looks at the files of rows that go, some at a time: those that are there, each once. */
export async function eachGone(
  scene: FileScene,
  opened: Root,
  gone: GonePaths,
  work: (files: readonly Present[]) => Promise<void>,
): Promise<void> {
  const { script, paths, recorded, concurrency } = gone;
  const select = sql`select distinct p.path from (${paths}) as p where p.path <> '' and not ${recorded}`;
  const counted = new Set<string>();
  await eachPath(scene, script.select(select), async (chunk) => {
    const keys = new Set(chunk.map((path) => keyOrRefusal(opened.store, path)));
    const there = await present(
      opened,
      [...keys].filter((key) => typeof key === 'string'),
      concurrency,
    );
    const odd = await writtenOtherwise(scene, opened, gone, there, new Set(chunk));
    const living = await recordedByLiving(scene.tx, opened, gone, odd);
    await work(
      there.filter(({ key }) => {
        if (!odd.has(key)) return true;
        if (living.has(key) || counted.has(key)) return false;
        counted.add(key);
        return true;
      }),
    );
  });
}

/** Those of some keys that rows write otherwise than these paths do: few, as a rule none. */
async function writtenOtherwise(
  { tx, outbox }: FileScene,
  { store }: Root,
  { root }: GonePaths,
  files: readonly Present[],
  paths: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const spelled = files.flatMap(({ key }, file) =>
    store
      .spellingsOf(key)
      .filter((text) => !paths.has(text))
      .map((text) => ({ text, file })),
  );
  const found = await knownAmong(
    tx,
    root,
    { texts: spelled.map(({ text }) => text), files: spelled.map(({ file }) => file) },
    outbox,
  );
  return new Set([...found].map((file) => files[file]?.key ?? ''));
}

/** Those of some keys that a row records, in whatever way, that stays. */
async function recordedByLiving(
  tx: Tx,
  { store }: Root,
  { script, recorded }: GonePaths,
  keys: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  if (keys.size === 0) return keys;
  const keyOf = new Map([...keys].flatMap((key) => store.spellingsOf(key).map((text) => [text, key])));
  const select = script.select<{ path: string }>(
    sql`select p.path from unnest(${[...keyOf.keys()]}::text[]) as p(path) where ${recorded}`,
  );
  const { rows } = await select.execute(tx);
  return new Set(rows.map(({ path }) => keyOf.get(path) ?? ''));
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

/** Those of some files that are there. */
export async function present(
  { open }: Root,
  keys: readonly string[],
  concurrency: number,
): Promise<Present[]> {
  const attempts = await several(
    keys,
    concurrency,
    () => true,
    async (key) => open.look(key),
  );
  return attempts.flatMap((attempt, n) =>
    'answer' in attempt && attempt.answer !== undefined
      ? [{ key: keys[n] as string, ...attempt.answer }]
      : [],
  );
}
