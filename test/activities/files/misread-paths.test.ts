import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { localDisk } from '../../../activities/files/local-disk.ts';
import { deleteRecordedFiles } from '../../../policy/delete-recorded-files.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import type { Policy } from '../../../policy/policy.ts';
import { sweepStrayFiles } from '../../../policy/sweep-stray-files.ts';
import { keys, Picture, Pictures, picturesPolicy } from '../../support/pictures.ts';
import { withUnreadable } from '../../support/unreadable.ts';

let pictures: Pictures;
beforeEach(async () => {
  pictures = await Pictures.create();
});
afterEach(async () => pictures.drop());

describe('a sweep removes no file that a row records in a way that it cannot read', () => {
  const sweeping = (): Policy =>
    picturesPolicy(sweepStrayFiles({ name: 'strays', root: pictures.root, remove: true, maxStrayRatio: 1 }));

  async function fill(): Promise<void> {
    for (const key of ['2026/1.jpg', '2026/2 b.jpg', 'a/stray.jpg']) pictures.write(key);
    await pictures.add(0, ['2026/2 b.jpg']);
  }

  test.each<[string, (folder: string) => string]>([
    ['two slashes', () => '2026//1.jpg'],
    ['a dot as a name', () => '2026/./1.jpg'],
    ['two dots that lead back', () => '2026/sub/../1.jpg'],
    ['a slash in front', () => '/2026/1.jpg'],
    ['two slashes below the folder', (folder) => `${folder}/2026//1.jpg`],
    ['the folder that the root lies in', () => 'pictures/2026/1.jpg'],
    ['percent signs', () => '2026/1%2Ejpg'],
    ['a file URL', (folder) => `file://${folder}/2026/1.jpg`],
    ['a blank at the end', () => '2026/1.jpg '],
    ['a backslash', () => String.raw`2026\1.jpg`],
  ])('%s', async (_, write) => {
    await fill();
    await pictures.add(0, [write(pictures.folder)]);
    const before = pictures.files();
    const [preview] = (await pictures.preview(sweeping())).passes;
    expect(preview).toMatchObject({ files: 0, bytes: 0 });
    expect(preview?.reported?.unresolved).toEqual({
      'rows record them only in ways that a sweep cannot read: a run would remove none and fail': 1,
    });
    await expect(pictures.run(sweeping())).rejects.toThrow(
      'rows record 1 file of it only in ways that a sweep cannot read',
    );
    expect(pictures.files()).toEqual(before);
    expect(await pictures.waiting()).toBe(0);
  });

  test('after any number of readable ones, in any property', async () => {
    await fill();
    // More than are looked at in one statement.
    await pictures.database.rows(
      `insert into picture select n, now(), 'x/' || n || '.jpg', null from generate_series(100, 10200) as n`,
    );
    await pictures.database.rows(`insert into cover values (1, '2026//1.jpg')`);
    await expect(pictures.run(sweeping())).rejects.toThrow('rows record 1 file of it only in ways');
    expect(pictures.files()).toHaveLength(3);
  });

  test('and goes on where such a path means no file that is there, or one that another row records', async () => {
    await fill();
    pictures.write('100%25.jpg');
    pictures.write('100%.jpg');
    await pictures.add(0, [
      '2026/1.jpg',
      '2026//1.jpg',
      '/other/disk/1.jpg',
      '../outside/x.jpg',
      'https://cdn.example/2026/9.jpg',
      'gone//1.jpg',
      'folder/',
      '.',
      '%E0%A4%A',
      'pictures/7.jpg',
      '100%25.jpg',
      `${pictures.folder}//2026/2 b.jpg`,
      null,
      '',
    ]);
    const report = await pictures.runAsPreviewed(sweeping());
    expect(report.files).toBe(2);
    expect(pictures.files()).toEqual(['100%25.jpg', '2026/1.jpg', '2026/2 b.jpg']);
  });
});

describe('files of deleted rows that are not there', () => {
  const policy = (options: object = {}): Policy =>
    picturesPolicy(
      expireRows({
        name: 'old',
        entity: Picture,
        age: 'takenAt',
        olderThan: '1 day',
        files: [pictures.root],
      }),
      deleteRecordedFiles({ name: 'files', from: 'old', root: pictures.root, ...options }),
    );

  test('are kept in the ledger if they are most of a pass, as after a move of the folder', async () => {
    const paths = keys(96);
    for (const key of paths) pictures.write(key);
    await pictures.add(
      2,
      paths.map((key) => `media/${key}`),
    );
    const [, preview] = (await pictures.preview(policy())).passes;
    expect(preview).toMatchObject({ files: 0, reported: { found: 96, resolved: 0 } });
    expect(Object.keys(preview?.reported?.unresolved ?? {})[0]).toContain('a run would remove none and fail');
    await expect(pictures.run(policy())).rejects.toThrow(
      'nobody finds 96 of 96 files that deleted rows recorded',
    );
    expect(await pictures.waiting()).toBe(96);
    expect(pictures.files()).toHaveLength(96);
    // Another attempt forgets them no more than the first one did.
    await expect(pictures.run(policy())).rejects.toThrow('the ledger keeps their paths');
    expect(await pictures.waiting()).toBe(96);
    // Once somebody says that they are gone, they are forgotten, and the report says so.
    await pictures.database.rows('update vacuum.run set ended_at = now()');
    const report = await pictures.run(policy({ maxMissingRatio: 1 }));
    expect(report.passes[1]?.reported).toMatchObject({ resolved: 0, unresolved: { 'it is not there': 96 } });
    expect(await pictures.waiting()).toBe(0);
  });

  test.each([
    [20, 20],
    [9, 0],
    // Of so many only a sample is looked for: far from the ratio, since it may be off by some.
    [1500, 2500],
  ])('are counted as missing, %i of them beside %i that go', async (missing, there) => {
    const present = keys(there, 'there');
    for (const key of [...present, 'other.jpg']) pictures.write(key);
    await pictures.add(2, [...keys(missing, 'missing'), ...present]);
    const run = await pictures.runAsPreviewed(policy());
    expect(run.passes[1]?.reported).toEqual({
      found: missing + there,
      resolved: there,
      unresolved: { 'it is not there': missing },
      oldest: null,
    });
    expect(await pictures.waiting()).toBe(0);
  });

  test('stop a pass from the first one more than may be missing', async () => {
    const present = keys(20, 'there');
    for (const key of present) pictures.write(key);
    await pictures.add(2, [...keys(21, 'missing'), ...present]);
    await expect(pictures.run(policy())).rejects.toThrow('21 of 41 files');
    expect(pictures.files()).toHaveLength(20);
  });
});

describe('a folder that the worker may not read', () => {
  /** Files, in folders in which everybody may remove them. */
  function fill(files: readonly string[]): void {
    for (const key of files) pictures.write(key);
    chmodSync(join(pictures.folder, '..'), 0o755);
    for (const folder of ['.', ...new Set(files.map((key) => dirname(key)))])
      chmodSync(join(pictures.folder, folder), 0o777);
  }

  test('is left out and told, and what comes after it is listed', async () => {
    fill(['a/1.jpg', 'lost+found/x.jpg', 'm/2.jpg', 'z/3.jpg']);
    const open = await localDisk(pictures.folder).open();
    const unreadable: string[] = [];
    const found: string[] = [];
    await withUnreadable([join(pictures.folder, 'lost+found')], async () => {
      for await (const key of open.list(null, (folder) => unreadable.push(folder))) found.push(key);
    });
    await open.close();
    expect({ found, unreadable }).toEqual({
      found: ['a/1.jpg', 'm/2.jpg', 'z/3.jpg'],
      unreadable: ['lost+found'],
    });
  });

  test.each([true, false])(
    'is counted by a sweep and its preview, and passed over: remove %s',
    async (remove) => {
      const hidden = ['b/stray.jpg', 'y/stray.jpg', 'z/deep/stray.jpg'];
      const seen = ['a/stray.jpg', 'm/kept.jpg', 'm/stray.jpg'];
      fill([...hidden, ...seen]);
      await pictures.add(0, ['m/kept.jpg']);
      const policy = picturesPolicy(
        sweepStrayFiles({ name: 'strays', root: pictures.root, remove, maxStrayRatio: 1 }),
      );
      // Loads all code that the worker loads later, for a user who may not read it.
      await pictures.preview(policy);
      // The first before any file that is seen, the last two after all: a listing that goes on after a file finds them again.
      const folders = ['b', 'y', 'z'].map((folder) => join(pictures.folder, folder));
      const [preview, report] = await withUnreadable(folders, async () => [
        await pictures.preview(policy),
        await pictures.run(policy),
      ]);
      const unresolved = { 'a folder that the worker may not read, with what is in it': 3 };
      expect(preview.passes[0]).toMatchObject({ files: remove ? 2 : 0, reported: { unresolved } });
      expect(report.passes[0]).toMatchObject({ files: remove ? 2 : 0, reported: { unresolved } });
      expect(pictures.files()).toEqual([...hidden, ...(remove ? ['m/kept.jpg'] : seen)].toSorted());
    },
  );
});
