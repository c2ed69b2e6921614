import type { Kysely } from 'kysely';

import type { StoredFile } from '../../policy/file-store.ts';
import type { Outside } from '../batch/outside.ts';
import { instantOf } from '../ledger/reported.ts';
import type { ReportedRows } from '../passes/pass.ts';
import type { FrozenSweepStrayFiles } from '../passes/sweep-stray-files.ts';
import type { ListingCursor } from './file-work.ts';
import type { Root } from './in-root.ts';
import { refuseRoot } from './in-root.ts';
import { knownKeys } from './known.ts';
import { several } from './several.ts';

/** Some files of a listing, and those of them that no row records. */
export interface Strays {
  /** Files that are there. */
  readonly files: number;
  readonly strays: readonly { readonly key: string; readonly bytes: number }[];
  readonly report: ReportedRows;
  /** The last that was looked at. */
  readonly after: string | null;
  readonly end: boolean;
}

/** Looks at the next files of a root, at most so many: which of them are old and recorded by no row. */
export async function findStrays(
  db: Kysely<unknown>,
  { store, open }: Root,
  { root, horizon, concurrency }: Pick<FrozenSweepStrayFiles, 'root' | 'horizon' | 'concurrency'>,
  { signal, outbox }: Pick<Outside, 'signal' | 'outbox'>,
  after: string | null,
  most: number,
): Promise<Strays> {
  const keys: string[] = [];
  for await (const key of open.list(after)) {
    keys.push(key);
    if (keys.length >= most || signal.aborted) break;
  }
  const attempts = await several(
    keys,
    concurrency,
    () => !signal.aborted,
    async (key) => open.look(key),
  );
  const there = attempts.flatMap((attempt, n) =>
    'answer' in attempt && attempt.answer !== undefined
      ? [{ key: keys[n] as string, ...(attempt.answer satisfies StoredFile) }]
      : [],
  );
  const old = there.filter(({ modified }) => modified < Date.parse(horizon));
  const known = await knownKeys(
    db,
    store,
    root,
    old.map(({ key }) => key),
    { outbox: outbox.table },
  );
  const strays = old.filter(({ key }) => !known.has(key));
  return {
    files: there.length,
    strays: strays.map(({ key, bytes }) => ({ key, bytes })),
    report: {
      found: strays.length,
      resolved: 0,
      unresolved: {},
      oldest: strays.length === 0 ? null : instantOf(Math.min(...strays.map(({ modified }) => modified))),
      bytes: strays.reduce((sum, { bytes }) => sum + bytes, 0),
    },
    after: keys[attempts.length - 1] ?? after,
    end: !signal.aborted && attempts.length === keys.length && keys.length < most,
  };
}

type Counted = Pick<ListingCursor['listing'], 'files' | 'strays'>;

/** Whether so many files are strays that one had better not believe it: paths that are misread look like strays, all of them. */
export function isTooMany(
  { maxStrayRatio }: Pick<FrozenSweepStrayFiles, 'maxStrayRatio'>,
  { files, strays }: Counted,
): boolean {
  return strays > maxStrayRatio * files;
}

/** Throws a `ValidationError` where too many files are strays. */
export function refuseTooMany(
  frozen: Pick<FrozenSweepStrayFiles, 'root' | 'maxStrayRatio'>,
  { files, strays }: Counted,
): void {
  if (!isTooMany(frozen, { files, strays })) return;
  const { root, maxStrayRatio } = frozen;
  refuseRoot(root.name, {
    what: `${strays} of its ${files} files are recorded by no row, which is more than the part ${maxStrayRatio} that maxStrayRatio allows`,
    fix: 'Look whether rows record paths as the root is written and recordedBy names every property; where it is so, raise maxStrayRatio',
  });
}
