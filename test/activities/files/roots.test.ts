import { chmodSync, mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { localDisk } from '../../../activities/files/local-disk.ts';
import type { FileRoot } from '../../../policy/file-root.ts';
import { fileRoot } from '../../../policy/file-root.ts';
import type { FileStore } from '../../../policy/file-store.ts';
import { keys, Pictures, picturesPolicy, withFiles } from '../../support/pictures.ts';

let pictures: Pictures;
beforeEach(async () => {
  pictures = await Pictures.create();
});
afterEach(async () => pictures.drop());

describe('a root', () => {
  test('that is not there, or has not its marker, deletes nothing and forgets nothing', async () => {
    pictures.write('a.jpg');
    await pictures.add(2, ['a.jpg']);
    const at = (store: FileStore): FileRoot => fileRoot({ ...pictures.root, store });
    const gone = at(localDisk(join(pictures.folder, 'gone')));
    await expect(pictures.run(picturesPolicy(...withFiles(gone)))).rejects.toThrow(
      /root "pictures".*cannot be opened \(ENOENT\)/s,
    );
    expect(await pictures.waiting()).toBe(1);
    await pictures.database.rows('update vacuum.run set ended_at = now()');
    const unmarked = at(localDisk(pictures.folder, { marker: '.mounted' }));
    await expect(pictures.run(picturesPolicy(...withFiles(unmarked)))).rejects.toThrow(/marker is missing/);
    expect(await pictures.waiting()).toBe(1);
    await pictures.database.rows('update vacuum.run set ended_at = now()');
    expect(pictures.files()).toEqual(['a.jpg']);
    pictures.write('.mounted');
    expect(await pictures.run(picturesPolicy(...withFiles(unmarked)))).toMatchObject({ files: 1 });
  });

  test('that is empty, as without its disk, makes no file done', async () => {
    const policy = picturesPolicy(...withFiles(pictures.root));
    await pictures.add(2, ['a.jpg']);
    await expect(pictures.run(policy)).rejects.toThrow(
      /root "pictures".*it is empty, as if no disk were mounted/s,
    );
    expect(await pictures.waiting()).toBe(1);
    pictures.write('a.jpg');
    expect(await pictures.run(policy)).toMatchObject({ files: 1 });
  });

  test('that loses its disk while files go counts none of them as gone', async () => {
    const policy = picturesPolicy(...withFiles(pictures.root));
    const [all, away] = [keys(20), `${pictures.folder}-away`];
    for (const key of all) pictures.write(key);
    await pictures.add(2, all);
    let unmounted = false;
    const unmount = async (): Promise<void> => {
      if (unmounted || !(await pictures.database.value('select bool_or(bytes is not null) from vacuum.file')))
        return;
      unmounted = true;
      renameSync(pictures.folder, away);
      mkdirSync(pictures.folder);
    };
    await expect(pictures.run(policy, { afterBatch: unmount })).rejects.toThrow(/it is empty/);
    expect(unmounted).toBe(true);
    expect(await pictures.waiting()).toBe(20);
    rmdirSync(pictures.folder);
    renameSync(away, pictures.folder);
    expect(await pictures.run(policy)).toMatchObject({ files: 20, spaceReclaimed: 200 });
    expect(pictures.files()).toEqual([]);
  });

  test('that is emptied by the pass itself is the same as before', async () => {
    const flat = Array.from({ length: 1500 }, (_, n) => `${n}.jpg`);
    for (const key of flat) pictures.write(key);
    await pictures.add(2, [...flat, 'missing.jpg']);
    expect(await pictures.runAsPreviewed(picturesPolicy(...withFiles(pictures.root)))).toMatchObject({
      files: 1500,
    });
    expect(await pictures.waiting()).toBe(0);
  });

  test('that the system protects costs its own files only', async () => {
    pictures.write('locked/a.jpg');
    pictures.write('b.jpg');
    await pictures.add(2, ['locked/a.jpg', 'b.jpg']);
    chmodSync(join(pictures.folder, 'locked'), 0o500);
    try {
      const report = await pictures.run(picturesPolicy(...withFiles(pictures.root)));
      // A superuser may remove both.
      expect(report.files).toBe(process.getuid?.() === 0 ? 2 : 1);
    } finally {
      chmodSync(join(pictures.folder, 'locked'), 0o700);
    }
  });
});
