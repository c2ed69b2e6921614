import type { FileRoot } from '../../policy/file-root.ts';
import type { FileStore, OpenFileStore } from '../../policy/file-store.ts';
import { RootUnusable } from '../../policy/file-store.ts';
import type { Issue } from '../../policy/issue.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Pass } from '../../policy/pass.ts';

/** As often as what the workflow asks can come back with a heartbeat. */
const HEARTBEAT_MILLIS = 500;

/** A root that is open for a batch. */
export interface Root {
  readonly store: FileStore;
  readonly open: OpenFileStore;
}

/** Finds the root of a pass in the policies of this worker. Throws if they have none of this name. */
export function findRoot(pass: Pass | undefined, name: string): FileRoot {
  const root =
    pass?.kind === 'deleteRecordedFiles' || pass?.kind === 'sweepStrayFiles' ? pass.root : undefined;
  if (root?.name === name) return root;
  return refuseRoot(name, {
    what: 'the policy of this worker has no such root any more, and only the policy has its location',
    fix: 'Start the worker with the policy that the run started with',
  });
}

/** Throws a `ValidationError` about a root. */
export function refuseRoot(name: string, issue: Pick<Issue, 'what' | 'fix'>): never {
  const at = `root ${JSON.stringify(name)}`;
  throw new ValidationError(at, [{ at, ...issue }]);
}

/** Opens a root for some work, with heartbeats meanwhile. Throws a `ValidationError` if it cannot be opened. */
export async function withRoot<T>(
  { name, store }: FileRoot,
  heartbeat: () => void,
  work: (root: Root) => Promise<T>,
): Promise<T> {
  const timer = setInterval(heartbeat, HEARTBEAT_MILLIS);
  try {
    const open = await openRoot(name, store);
    try {
      return await work({ store, open });
    } finally {
      await open.close();
    }
  } finally {
    clearInterval(timer);
  }
}

/**
 * Returns the identity of an open root, by which the next batch knows it; `known` is that of the batch before. Throws a
 * `ValidationError` if the root is another one and is empty: without its disk every file would seem removed.
 */
export async function assertNotEmpty(
  name: string,
  { open }: Pick<Root, 'open'>,
  known: string | undefined,
): Promise<string> {
  if (open.rootId === known || !(await open.isEmpty())) return open.rootId;
  return refuseRoot(name, {
    what: 'files of it are to be removed, but it is empty, as if no disk were mounted',
    fix: 'Mount its disk on the worker. If it really is empty, put a file there and name it as marker of localDisk',
  });
}

async function openRoot(name: string, store: FileStore): Promise<OpenFileStore> {
  try {
    return await store.open();
  } catch (error) {
    if (!(error instanceof RootUnusable)) throw error;
    return refuseRoot(name, {
      what: error.message,
      fix: 'Mount its disk on the worker, or correct its folder; files wait until then',
    });
  }
}
