import type { DeleteRecordedFiles } from './delete-recorded-files.ts';
import type { ExpireRows } from './expire-rows.ts';
import type { FileRoot } from './file-root.ts';
import { FileRootSchema, isFileStore, RootSchema } from './file-root.ts';
import type { Issue } from './issue.ts';
import type { Pass } from './pass.ts';
import { findIssues } from './zod-issues.ts';

/** Returns what is wrong with the roots of a policy, each by itself and beside the others. */
export function checkRoots(passes: readonly Pass[]): Issue[] {
  const roots = [...new Set(passes.flatMap(listRoots))];
  return roots.flatMap((root) => {
    const at = `root ${JSON.stringify(root.name)}`;
    const namesake = {
      at,
      what: 'another root has this name, and files of one would be looked for in the other',
      fix: 'Name each root of a policy differently, or use the one in all passes',
    };
    const overlaps = roots
      .filter((other) => other !== root && liesInside(root, other))
      .map(({ name }) => ({
        at,
        what: `it lies inside of root ${JSON.stringify(name)}, or is the same folder, and rows that record files of one are not asked for those of the other`,
        fix: 'Give each root a folder of its own, or make it one root whose recordedBy names every property',
      }));
    const isFirst = roots.find(({ name }) => name === root.name) === root;
    return [...findIssues(FileRootSchema, root, at), ...(isFirst ? [] : [namesake]), ...overlaps];
  });
}

/** Returns what is wrong between a pass and the passes that record its files, or delete those it records. */
export function checkFiles(
  at: string,
  pass: Pass,
  earlier: readonly Pass[],
  later: readonly Pass[],
): Issue[] {
  if (pass.kind === 'expireRows') return checkTaken(at, pass, later);
  return pass.kind === 'deleteRecordedFiles' ? checkFrom(at, pass, earlier) : [];
}

/** The roots of a pass that are roots at all; the schema of the pass reports the others. */
function listRoots(pass: Pass): readonly FileRoot[] {
  const given: unknown = 'root' in pass ? [pass.root] : 'files' in pass ? pass.files : [];
  return Array.isArray(given) ? given.filter(isRoot) : [];
}

/** The names of the passes that a pass takes files from, if it is a list at all. */
function listNames({ from }: DeleteRecordedFiles): readonly string[] {
  return Array.isArray(from) ? (from as readonly string[]) : [];
}

function isRoot(value: unknown): value is FileRoot {
  return RootSchema.safeParse(value).success;
}

/** Whether a store takes absolute paths of the files of another for its own. */
function liesInside({ store }: FileRoot, other: FileRoot): boolean {
  if (!isFileStore(store) || !isFileStore(other.store)) return false;
  return store.listSpellings('file').some((path) => path.startsWith('/') && belongsTo(other, path));
}

function belongsTo({ store }: FileRoot, path: string): boolean {
  try {
    return store.toKey(path) !== '';
  } catch {
    return false;
  }
}

/** Files that are recorded and that nobody deletes would wait in the ledger for ever. */
function checkTaken(at: string, pass: ExpireRows, later: readonly Pass[]): Issue[] {
  const { name } = pass;
  const isDeleted = (root: FileRoot): boolean =>
    later.some(
      (other) =>
        other.kind === 'deleteRecordedFiles' && other.root === root && listNames(other).includes(name),
    );
  return listRoots(pass)
    .filter((root) => !isDeleted(root))
    .map((root) => ({
      at,
      what: `its files name root ${JSON.stringify(root.name)}, and no later pass deletes what it records there`,
      fix: `Add deleteRecordedFiles with from: ${JSON.stringify(name)} and this root after it, or leave the root out`,
    }));
}

function checkFrom(at: string, pass: DeleteRecordedFiles, earlier: readonly Pass[]): Issue[] {
  const [root] = listRoots(pass);
  if (root === undefined) return [];
  const isRecorded = (name: string): boolean =>
    earlier.some(
      (other) => other.kind === 'expireRows' && other.name === name && listRoots(other).includes(root),
    );
  return listNames(pass)
    .filter((name) => !isRecorded(name))
    .map((name) => ({
      at,
      what: `from names ${JSON.stringify(name)}, which is no earlier pass with root ${JSON.stringify(root.name)} among its files`,
      fix: 'Name an expireRows pass that stands before, and give it files with this root',
    }));
}
