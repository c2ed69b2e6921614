import { countNouns } from '../../policy/count-nouns.ts';
import type { FileStore } from '../../policy/file-store.ts';
import type { Session, Tx } from '../dialect/dialect.ts';
import type { StoredRoot } from '../stored/pass.ts';
import { findFiles } from './find-files.ts';
import type { Root } from './open-root.ts';
import { refuseRoot } from './open-root.ts';
import { findRecordedKeysIn, readKey } from './recorded-keys.ts';

/** Paths that are read at once. */
const CHUNK = 10_000;
/** Without an index on the path a chunk sorts its table. */
const LIMITS = { lockMillis: 1_000, statementMillis: 60_000 };

/** Where the check of recorded paths stands: a property that records paths, and the last path. */
export interface MisreadPosition {
  readonly column: number;
  readonly after: string | null;
}

/** The position before the first path. */
export const FIRST_PATH: MisreadPosition = { column: 0, after: null };

/** Files that rows record in ways that a sweep cannot read; `next` is undefined after the last path. */
export interface Misread {
  readonly files: number;
  /** Rows of which some paths cannot be read at all. */
  readonly rows: number;
  readonly next: MisreadPosition | undefined;
}

/** What a path may have that a store does not read, or that a person would read as something else. */
const SUSPICIOUS = /^[/\s]|\/\/|\\|%|(^|\/)\.{1,2}(\/|$)|^file:|\s$/i;

/**
 * Looks at the next recorded paths. A row may write a path as no spelling of its file: with `//`, `..`, `%20`, a backslash,
 * from one folder higher. Then the file looks like a stray although a row records it. Counts such files that are there.
 */
export async function findMisread(
  tx: Tx,
  opened: Root,
  root: StoredRoot,
  concurrency: number,
  { column, after }: MisreadPosition,
): Promise<Misread> {
  const recorded = root.recordedBy[column];
  if (recorded === undefined) return { files: 0, rows: 0, next: undefined };
  const paths = await tx.tables.readPaths(recorded, after, CHUNK);
  const unknown = await listUnknownFolders(opened, paths, concurrency);
  const odd = paths.flatMap((path) => findMeanings(opened.store, path, unknown));
  const meant = await findMeant(opened, odd, concurrency);
  const written = meant.map((key) => ({ key, path: key }));
  const known = await findRecordedKeysIn(tx, opened.store, root, written, false);
  const last = paths.at(-1);
  const isEnd = paths.length < CHUNK || last === undefined;
  return {
    files: meant.length - known.size,
    rows: after === null && recorded.json !== undefined ? await tx.tables.countUnreadable(recorded) : 0,
    next: isEnd
      ? column + 1 < root.recordedBy.length
        ? { column: column + 1, after: null }
        : undefined
      : { column, after: last },
  };
}

/** Does the same in a transaction of its own, and throws a `ValidationError` if such files are there. */
export async function assertNotMisread(
  session: Session,
  opened: Root,
  root: StoredRoot,
  concurrency: number,
  position: MisreadPosition,
): Promise<MisreadPosition | undefined> {
  const { files, rows, next } = await session.transaction(LIMITS, async (tx) =>
    findMisread(tx, opened, root, concurrency, position),
  );
  if (rows > 0) {
    return refuseRoot(root.name, {
      what: `the JSON of ${countNouns(rows, 'row')} has something else where the paths should be, so that files would be taken for strays`,
      fix: 'Say in json where the paths stand. Until then leave remove out: nothing was removed',
    });
  }
  if (files === 0) return next;
  return refuseRoot(root.name, {
    what: `rows record ${countNouns(files, 'file')} of it only in ways that a sweep cannot read, as with //, .., %20, a backslash or another folder in front`,
    fix: 'Write these paths below the root, as in 2026/17.jpg. Until then leave remove out: nothing was removed',
  });
}

/** A path that may mean other files than the store reads. */
interface OddPath {
  /** How the store reads it; undefined if it refuses it or finds the file by no spelling like this. */
  readonly key: string | undefined;
  readonly meanings: readonly string[];
}

function findMeanings(store: FileStore, path: string, unknown: ReadonlySet<string>): OddPath[] {
  const found = readKey(store, path);
  const isRead = typeof found === 'string' && (found === path || store.listSpellings(found).includes(path));
  const key = isRead ? found : undefined;
  const folder = firstFolder(path);
  const texts = [
    ...(isRead ? [] : [path]),
    ...(SUSPICIOUS.test(path) ? [normalize(path)] : []),
    ...(folder !== undefined && unknown.has(folder) ? [path.slice(folder.length + 1)] : []),
  ];
  const keys = texts
    .flatMap((text) => [readKey(store, text), readKey(store, text.replace(/^\/+/, ''))])
    .filter((one) => typeof one === 'string' && one !== key) as string[];
  return keys.length === 0 ? [] : [{ key, meanings: keys }];
}

/** The files that are there of paths that name none as the store reads them. */
async function findMeant(opened: Root, odd: readonly OddPath[], concurrency: number): Promise<string[]> {
  if (odd.length === 0) return [];
  const keys = new Set(
    odd.flatMap(({ key, meanings }) => (key === undefined ? meanings : [key, ...meanings])),
  );
  const { files } = await findFiles(opened, [...keys], concurrency);
  const there = new Set(files.map(({ key }) => key));
  const misread = odd.filter(({ key }) => key === undefined || !there.has(key));
  return [...new Set(misread.flatMap(({ meanings }) => meanings))].filter((key) => there.has(key));
}

/** A path as a person means it: decoded, with slashes, without empty names, `.` and `..`. */
function normalize(path: string): string {
  const text = decode(path.trim().replace(/^file:\/\/(localhost)?/i, '')).replaceAll('\\', '/');
  const names: string[] = [];
  for (const name of text.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `${text.startsWith('/') ? '/' : ''}${names.join('/')}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function firstFolder(path: string): string | undefined {
  const cut = path.indexOf('/');
  return cut > 0 ? path.slice(0, cut) : undefined;
}

/** First folders of paths that the root does not have: the paths may begin one folder higher. */
async function listUnknownFolders(
  opened: Root,
  paths: readonly string[],
  concurrency: number,
): Promise<ReadonlySet<string>> {
  const folders = [...new Set(paths.map(firstFolder))].filter(
    (folder) => folder !== undefined && typeof readKey(opened.store, folder) === 'string',
  ) as string[];
  // A folder that is there is refused as no ordinary file.
  const { missing } = await findFiles(opened, folders, concurrency);
  return new Set(missing);
}
