import type { DeleteRecordedFiles } from './delete-recorded-files.ts';
import { HOUR, parseDuration } from './duration.ts';
import type { FileRoot } from './file-root.ts';
import type { Mistake } from './mistake.ts';
import { isName, NAME_RULE } from './name.ts';
import type { Pass } from './pass.ts';
import type { SweepStrayFiles } from './sweep-stray-files.ts';

/** What is wrong with how passes of a policy speak of files. */
export function checkFiles(passes: readonly Pass[]): Mistake[] {
  return [...checkRoots(passes), ...passes.flatMap((pass, n) => checkPass(pass, passes, n))];
}

function rootsOf(pass: Pass): readonly FileRoot[] {
  if (pass.kind === 'expireRows') return pass.files;
  return pass.kind === 'deleteRecordedFiles' || pass.kind === 'sweepStrayFiles' ? [pass.root] : [];
}

function checkRoots(passes: readonly Pass[]): Mistake[] {
  const roots = [...new Set(passes.flatMap(rootsOf))];
  return roots.flatMap((root) => {
    const at = `root ${JSON.stringify(root.name)}`;
    const mistakes: Mistake[] = [];
    if (!isName(root.name)) {
      mistakes.push({ at, what: 'its name cannot be used in reports', fix: NAME_RULE });
    }
    if (roots.find(({ name }) => name === root.name) !== root) {
      const what = 'another root has this name, and files of one would be looked for in the other';
      mistakes.push({
        at,
        what,
        fix: 'Name each root of a policy differently, or use the one in all passes',
      });
    }
    for (const other of roots.filter((one) => one !== root && liesInside(root, one))) {
      const what = `it lies inside of root ${JSON.stringify(other.name)}, or is the same folder, and rows that record files of one are not asked for those of the other`;
      mistakes.push({
        at,
        what,
        fix: 'Give each root a folder of its own, or make it one root whose recordedBy names every property',
      });
    }
    if (root.recordedBy.length === 0) {
      const what = 'its recordedBy names no property, so that every file would be taken for unused';
      mistakes.push({ at, what, fix: 'Name every property that records its files' });
    }
    return mistakes;
  });
}

/** Whether a store takes absolute paths of the files of another for its own. */
function liesInside({ store }: FileRoot, other: FileRoot): boolean {
  return store.spellingsOf('file').some((path) => path.startsWith('/') && isOf(other, path));
}

function isOf({ store }: FileRoot, path: string): boolean {
  try {
    return store.keyOf(path) !== '';
  } catch {
    return false;
  }
}

function checkPass(pass: Pass, passes: readonly Pass[], n: number): Mistake[] {
  if (pass.kind === 'expireRows') return checkTaken(pass.name, pass.files, passes.slice(n + 1));
  if (pass.kind === 'deleteRecordedFiles') {
    return [...checkFrom(pass, passes.slice(0, n)), ...checkConcurrency(pass)];
  }
  return pass.kind === 'sweepStrayFiles' ? [...checkSweep(pass), ...checkConcurrency(pass)] : [];
}

/** Files that are recorded and that nobody deletes would wait in the ledger for ever. */
function checkTaken(name: string, files: readonly FileRoot[], later: readonly Pass[]): Mistake[] {
  return files
    .filter(
      (root) =>
        !later.some(
          (pass) => pass.kind === 'deleteRecordedFiles' && pass.root === root && pass.from.includes(name),
        ),
    )
    .map(({ name: root }) => ({
      at: `pass ${JSON.stringify(name)}`,
      what: `its files name root ${JSON.stringify(root)}, and no later pass deletes what it records there`,
      fix: `Add deleteRecordedFiles with from: ${JSON.stringify(name)} and this root after it, or leave the root out`,
    }));
}

function checkFrom({ name, from, root }: DeleteRecordedFiles, earlier: readonly Pass[]): Mistake[] {
  const at = `pass ${JSON.stringify(name)}`;
  if (from.length === 0)
    return [{ at, what: 'from names no pass', fix: 'Name the pass that deletes the rows' }];
  return from
    .filter(
      (other) =>
        !earlier.some(
          (pass) => pass.kind === 'expireRows' && pass.name === other && pass.files.includes(root),
        ),
    )
    .map((other) => ({
      at,
      what: `from names ${JSON.stringify(other)}, which is no earlier pass with root ${JSON.stringify(root.name)} among its files`,
      fix: 'Name an expireRows pass that stands before, and give it files with this root',
    }));
}

function checkSweep({ name, grace, mostStray }: SweepStrayFiles): Mistake[] {
  const at = `pass ${JSON.stringify(name)}`;
  const mistakes: Mistake[] = [];
  const millis = parseDuration(grace);
  if (millis === undefined || millis < HOUR) {
    const what = `grace is ${JSON.stringify(grace)}, and files that are just being written have no row yet`;
    mistakes.push({ at, what, fix: "Use a duration of at least '1 hour'" });
  }
  if (!(mostStray > 0 && mostStray <= 1)) {
    const what = `mostStray is ${String(mostStray)}`;
    mistakes.push({ at, what, fix: 'Use a number above 0 and up to 1, like 0.5' });
  }
  return mistakes;
}

function checkConcurrency({ name, concurrency }: DeleteRecordedFiles | SweepStrayFiles): Mistake[] {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 64) return [];
  const at = `pass ${JSON.stringify(name)}`;
  return [{ at, what: `concurrency is ${String(concurrency)}`, fix: 'Use a whole number from 1 to 64' }];
}
