import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { localDisk } from '../../../activities/files/local-disk.ts';
import { deleteRecordedFiles } from '../../../policy/delete-recorded-files.ts';
import { fileRoot } from '../../../policy/file-root.ts';
import type { FileStore } from '../../../policy/file-store.ts';
import type { Pass } from '../../../policy/pass.ts';
import { Pictures, picturesPolicy, withFiles } from '../../support/pictures.ts';

let pictures: Pictures;
beforeEach(async () => {
  pictures = await Pictures.create();
});
afterEach(async () => pictures.drop());

describe('hostile paths', () => {
  test('touch nothing outside of the root, and no file of another name', async () => {
    const secret = join(pictures.outside, 'secret');
    writeFileSync(secret, 'secret');
    mkdirSync(join(pictures.folder, 'folder'));
    symlinkSync(pictures.outside, join(pictures.folder, 'link'));
    symlinkSync(secret, join(pictures.folder, 'link.jpg'));
    symlinkSync('folder', join(pictures.folder, 'inner'));
    pictures.write('folder/kept.jpg');
    pictures.write('Case.jpg');
    pictures.write('good.jpg');
    pictures.write('a/b.jpg');
    const hostile = [
      '../outside/secret',
      'folder/../../outside/secret',
      'folder/../good.jpg',
      secret,
      `${pictures.folder}/../outside/secret`,
      `${pictures.folder}-not/x`,
      '/',
      '/etc/passwd',
      pictures.folder,
      'link/secret',
      'link.jpg',
      'inner/kept.jpg',
      'folder',
      'folder/',
      'folder/kept.jpg/',
      'folder/.',
      '..',
      '.',
      '...',
      'case.jpg',
      'good.jpg/x',
      'folder\\kept.jpg',
      'x'.repeat(300),
      `${'deep/'.repeat(2000)}x`,
      'folder/%2e%2e/secret',
      'ko\u0301der.jpg',
      '\u202egpj.doog',
      '~/secret',
      '$HOME',
      'file:///etc/passwd',
      'a//b.jpg',
    ];
    await pictures.add(2, hostile);
    const [old] = withFiles(pictures.root);
    const files = deleteRecordedFiles({
      name: 'files',
      from: 'old',
      root: pictures.root,
      maxMissingRatio: 1,
    });
    const policy = picturesPolicy(old as Pass, files);
    const preview = await pictures.preview(policy);
    const report = await pictures.run(policy);
    // Only the last path names a file of the root, in an odd way.
    expect(pictures.files()).toEqual(['Case.jpg', 'folder/kept.jpg', 'good.jpg']);
    expect(existsSync(secret)).toBe(true);
    expect(existsSync(join(pictures.folder, 'link.jpg'))).toBe(true);
    expect(report).toMatchObject({ status: 'completed', files: 1, rows: hostile.length });
    expect(report.passes[1]?.reported?.unresolved).toEqual({
      'its path has ".."': 5,
      'its path lies outside of the root': 5,
      'it lies behind a symbolic link': 2,
      'it is a symbolic link': 1,
      'its path names a folder': 4,
      'it is no ordinary file': 1,
      'its path is too long': 2,
      'it is not there': 10,
    });
    expect(preview.passes[1]).toMatchObject({
      files: 1,
      reported: { ...report.passes[1]?.reported, resolved: 0 },
    });
  });

  test('a link that takes the place of a folder leads nowhere', async () => {
    mkdirSync(join(pictures.outside, 'a'));
    writeFileSync(join(pictures.outside, 'a/x.jpg'), 'theirs');
    pictures.write('a/x.jpg');
    await pictures.add(2, ['a/x.jpg']);
    const { folder, outside } = pictures;
    const disk = localDisk(folder);
    // Turned after the file was looked at and before it is removed: the worst moment.
    const store: FileStore = {
      toKey: (path) => disk.toKey(path),
      listSpellings: (key) => disk.listSpellings(key),
      open: async () => {
        const open = await disk.open();
        return Object.assign(Object.create(open) as typeof open, {
          isEmpty: async () => open.isEmpty(),
          look: async (key: string) => open.look(key),
          close: async () => open.close(),
          remove: async (key: string) => {
            renameSync(join(folder, 'a'), join(folder, 'was-a'));
            symlinkSync(join(outside, 'a'), join(folder, 'a'));
            return open.remove(key);
          },
        });
      },
    };
    await pictures.run(picturesPolicy(...withFiles(fileRoot({ ...pictures.root, store }))));
    expect(existsSync(join(pictures.outside, 'a/x.jpg'))).toBe(true);
  });
});
