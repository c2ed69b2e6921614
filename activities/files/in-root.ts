import type { FileRoot } from '../../policy/file-root.ts';
import type { FileStore, OpenFileStore } from '../../policy/file-store.ts';
import { RootUnusable } from '../../policy/file-store.ts';
import type { Issue } from '../../policy/issue.ts';
import { ValidationError } from '../../policy/issue.ts';
import type { Pass } from '../../policy/pass.ts';

/** As often as what the workflow asks can come back with a heartbeat. */
const HEARTBEAT_MILLIS = 500;

/** A root while a batch works in it. */
export interface Root {
  readonly store: FileStore;
  readonly open: OpenFileStore;
}

/** The root of a pass as the policies of this worker have it; throws where they have none of this name. */
export function rootOf(pass: Pass | undefined, name: string): FileRoot {
  const root =
    pass?.kind === 'deleteRecordedFiles' || pass?.kind === 'sweepStrayFiles' ? pass.root : undefined;
  if (root?.name === name) return root;
  return refuseRoot(name, {
    what: 'the policy of this worker has no such root any more, and where it is only the policy says',
    fix: 'Start the worker with the policy that the run began with',
  });
}

/** Throws a `ValidationError` about a root. */
export function refuseRoot(name: string, mistake: Pick<Issue, 'what' | 'fix'>): never {
  const at = `root ${JSON.stringify(name)}`;
  throw new ValidationError(at, [{ at, ...mistake }]);
}

/** Works in a root, with heartbeats meanwhile. Throws a `ValidationError` where it cannot be worked in. */
export async function inRoot<T>(
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
 * The place of an open root, for the next batch to know it by; `known` is the one before's. Throws a `ValidationError` where
 * it is another place than that and has nothing in it: without its disk every file would seem gone.
 */
export async function refuseEmpty(
  name: string,
  { open }: Pick<Root, 'open'>,
  known: string | undefined,
): Promise<string> {
  if (open.place === known || !(await open.isEmpty())) return open.place;
  return refuseRoot(name, {
    what: 'files of it are to go, and it has nothing in it, as where no disk is mounted',
    fix: 'Mount its disk on the worker; where it is empty indeed, put a file there and name it as marker of localDisk',
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
