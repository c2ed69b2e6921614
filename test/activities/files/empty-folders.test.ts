import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { localDisk } from '../../../activities/files/local-disk.ts';
import type { FileRoot } from '../../../policy/file-root.ts';
import { fileRoot } from '../../../policy/file-root.ts';
import type { FileStore } from '../../../policy/file-store.ts';
import { sweepStrayFiles } from '../../../policy/sweep-stray-files.ts';
import { Pictures, picturesPolicy, withFiles } from '../../support/pictures.ts';

// With PostgreSQL alone: folders are removed after the ledger has its say, which is the same in both dialects.

let pictures: Pictures;
beforeEach(async () => {
  pictures = await Pictures.create();
});
afterEach(async () => pictures.drop());

const tidy = (store: FileStore = localDisk(pictures.folder, { removeEmptyFolders: true })): FileRoot =>
  fileRoot({ ...pictures.root, store });

/** All folders below the root that are there. */
function folders(): string[] {
  return readdirSync(pictures.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(pictures.folder.length + 1))
    .toSorted();
}

async function addOld(...paths: string[]): Promise<void> {
  for (const path of paths) pictures.write(path);
  await pictures.add(2, paths);
}

test('folders that removed files leave empty go with them, and those above; others stay', async () => {
  await addOld('a/b/c/1.jpg', 'a/b/d/2.jpg', 'young/old/3.jpg', 'used/4.jpg', 'beside/x/5.jpg', '6.jpg');
  pictures.write('young/7.jpg');
  pictures.write('used/by-nobody.txt');
  await pictures.add(0, ['young/7.jpg']);
  mkdirSync(join(pictures.folder, 'beside/empty'));
  mkdirSync(join(pictures.folder, 'empty'));
  const report = await pictures.runAsPreviewed(picturesPolicy(...withFiles(tidy())));
  expect(report).toMatchObject({ files: 6 });
  expect(pictures.files()).toEqual(['used/by-nobody.txt', 'young/7.jpg']);
  expect(folders()).toEqual(['beside', 'beside/empty', 'empty', 'used', 'young']);
});

test('the root stays if nothing is left in it', async () => {
  await addOld('a/1.jpg', 'b/2.jpg');
  await pictures.run(picturesPolicy(...withFiles(tidy())));
  expect(readdirSync(pictures.folder)).toEqual([]);
});

test('all folders stay if the root does not say that they go', async () => {
  await addOld('a/b/1.jpg');
  await pictures.run(picturesPolicy(...withFiles(pictures.root)));
  expect(folders()).toEqual(['a', 'a/b']);
});

test('a file that stays keeps its folder: a row records it, or it was written after its row was deleted', async () => {
  await addOld('a/1.jpg', 'b/2.jpg', 'c/3.jpg');
  await pictures.add(0, ['./a/1.jpg']);
  pictures.write('b/2.jpg', 10, -1);
  const report = await pictures.run(picturesPolicy(...withFiles(tidy())));
  expect(report.files).toBe(1);
  expect(folders()).toEqual(['a', 'b']);
});

test('a sweep removes the folders of strays', async () => {
  pictures.write('a/b/stray.jpg');
  pictures.write('a/used.jpg');
  await pictures.add(0, ['a/used.jpg']);
  const sweep = sweepStrayFiles({ name: 'sweep', root: tidy(), remove: true });
  expect(await pictures.run(picturesPolicy(sweep))).toMatchObject({ files: 1 });
  expect(folders()).toEqual(['a']);
});

test('a file that an attempt removed before it died leaves no folder behind', async () => {
  await addOld('a/b/1.jpg');
  let died = false;
  const report = await pictures.run(picturesPolicy(...withFiles(tidy())), {
    afterBatch: async () => {
      if (died || !(await pictures.database.value('select bool_or(bytes is not null) from vacuum.file')))
        return;
      died = true;
      // As if the worker had ended after the folder and before the one above.
      rmSync(join(pictures.folder, 'a/b'), { recursive: true });
    },
  });
  expect({ died, files: report.files, folders: folders() }).toEqual({ died: true, files: 1, folders: [] });
});

test('a file that is written before its folder is removed keeps it, and a folder made anew is another one', async () => {
  const open = await localDisk(pictures.folder, { removeEmptyFolders: true }).open();
  try {
    const failures: unknown[] = [];
    const remove = async (): Promise<void> =>
      open.removeEmptyFolders?.(['a/1.jpg'], (error) => failures.push(error));
    pictures.write('a/1.jpg');
    await open.remove('a/1.jpg');
    pictures.write('a/2.jpg');
    await remove();
    expect(pictures.files()).toEqual(['a/2.jpg']);
    await open.remove('a/2.jpg');
    await remove();
    expect(folders()).toEqual([]);
    pictures.write('a/3.jpg');
    expect(await open.look('a/3.jpg')).toMatchObject({ bytes: 10 });
    expect(failures).toEqual([]);
  } finally {
    await open.close();
  }
});

test('no link leads to a folder that is removed', async () => {
  const { folder, outside } = pictures;
  mkdirSync(join(outside, 'empty/below'), { recursive: true });
  symlinkSync(join(outside, 'empty'), join(folder, 'link'));
  const open = await localDisk(folder, { removeEmptyFolders: true }).open();
  try {
    const failures: unknown[] = [];
    await open.removeEmptyFolders?.(['link/below/1.jpg', 'link/1.jpg'], (error) => failures.push(error));
    expect(failures).toHaveLength(2);
  } finally {
    await open.close();
  }
  expect(existsSync(join(outside, 'empty/below'))).toBe(true);
  expect(existsSync(join(folder, 'link'))).toBe(true);
});
