import { countNouns, formatCount } from '../../policy/count-nouns.ts';
import type { Session } from '../dialect/dialect.ts';
import type { ListingCursor } from '../stored/cursor.ts';
import { toIsoInstant } from '../stored/instant.ts';
import type { StoredSweepStrayFiles } from '../stored/pass.ts';
import type { ReportedRows } from '../stored/report.ts';
import { makeExclusion } from './exclude.ts';
import type { FileOptions } from './file-work.ts';
import { findFiles } from './find-files.ts';
import type { Root } from './open-root.ts';
import { refuseRoot } from './open-root.ts';
import { findRecordedKeys } from './recorded-keys.ts';

/** Why the files of a folder were not looked at. */
export const UNREADABLE = 'a folder that the worker may not read, with what is in it';

/** Some files of a listing, and those of them that no row records. */
interface Strays {
  /** Files that are there. */
  readonly files: number;
  readonly strays: readonly { readonly key: string; readonly bytes: number }[];
  /** Folders that the worker may not read. */
  readonly unreadable: number;
  readonly report: ReportedRows;
  /** The last that was looked at. */
  readonly after: string | null;
  readonly done: boolean;
}

/** Looks at the next files of a root, at most `limit`: which of them are old and recorded by no row. */
export async function findStrays(
  session: Session,
  opened: Root,
  {
    root,
    horizon,
    exclude,
    concurrency,
  }: Pick<StoredSweepStrayFiles, 'root' | 'horizon' | 'exclude' | 'concurrency'>,
  { signal, debug }: Pick<FileOptions, 'signal' | 'debug'>,
  after: string | null,
  limit: number,
): Promise<Strays> {
  const keys: string[] = [];
  const isExcluded = makeExclusion(exclude);
  let [seen, last, unreadable] = [0, after, 0];
  const onUnreadable = (folder: string, error: unknown): void => {
    if (isExcluded(folder)) return;
    unreadable += 1;
    debug(error);
  };
  for await (const key of opened.open.list(after, onUnreadable)) {
    if (!isExcluded(key)) keys.push(key);
    seen += 1;
    last = key;
    if (seen >= limit || signal.aborted) break;
  }
  const { files, looked } = await findFiles(opened, keys, concurrency, () => !signal.aborted);
  const old = files.filter(({ modified }) => modified < Date.parse(horizon));
  const written = old.map(({ key }) => ({ key, path: key }));
  const recorded = await findRecordedKeys(session, opened.store, root, written, true);
  const strays = old.filter(({ key }) => !recorded.has(key));
  return {
    files: files.length,
    strays: strays.map(({ key, bytes }) => ({ key, bytes })),
    unreadable,
    report: {
      found: strays.length + unreadable,
      resolved: 0,
      unresolved: unreadable === 0 ? {} : { [UNREADABLE]: unreadable },
      oldest: toIsoInstant(Math.min(...strays.map(({ modified }) => modified))),
      bytes: strays.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    after: looked === keys.length ? last : (keys[looked - 1] ?? after),
    done: !signal.aborted && looked === keys.length && seen < limit,
  };
}

type Counted = Pick<ListingCursor['listing'], 'files' | 'strays'>;

type StrayLimits = Pick<StoredSweepStrayFiles, 'maxStrayRatio' | 'maxStrays'>;

/** Whether so many files are strays that it is not believable: if paths are misread, all files look like strays. */
export function isTooMany({ maxStrayRatio, maxStrays }: StrayLimits, { files, strays }: Counted): boolean {
  return strays > maxStrayRatio * files || strays > (maxStrays ?? Infinity);
}

/** Throws a `ValidationError` if too many files are strays. */
export function assertNotTooMany(
  { root, maxStrayRatio, maxStrays }: StrayLimits & Pick<StoredSweepStrayFiles, 'root'>,
  { files, strays }: Counted,
): void {
  if (!isTooMany({ maxStrayRatio, maxStrays }, { files, strays })) return;
  const found = `no row records ${formatCount(strays)} of its ${countNouns(files, 'file')}`;
  if (strays > maxStrayRatio * files) {
    refuseRoot(root.name, {
      what: `${found}, which is more than the ratio ${maxStrayRatio} that maxStrayRatio allows`,
      fix: 'Check whether rows record paths as the root is written, and whether recordedBy names every property. If so, raise maxStrayRatio',
    });
  }
  refuseRoot(root.name, {
    what: `${found}, and a run may remove ${maxStrays}, by limits.maxGrowth, limits.smallTable and the previews of the last 24 hours: restored older rows look like that`,
    fix: 'Look at the files with `temporal-vacuum preview`; for 24 hours runs may remove as many as it shows and half as many again. Or raise limits.maxGrowth',
  });
}
