import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { localDisk } from '../../../activities/files/local-disk.ts';
import { examineDatabase } from '../../../activities/inspect/doctor.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { checkAgainst } from '../../../activities/plan/resolve-policy.ts';
import { deleteRecordedFiles } from '../../../policy/delete-recorded-files.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { fileRoot, recordedPath } from '../../../policy/file-root.ts';
import { latestPointer } from '../../../policy/latest-pointer.ts';
import type { Policy } from '../../../policy/policy.ts';
import { Album, Cover, Picture, Pictures, Shelf, picturesPolicy, withFiles } from '../../support/pictures.ts';

let pictures: Pictures;
beforeEach(async () => {
  pictures = await Pictures.create();
});
afterEach(async () => pictures.drop());

async function check(policy: Policy): Promise<unknown> {
  const database = await openDatabase(pictures.database.url);
  try {
    return await checkAgainst(
      database.session,
      policy,
      policy.passes.map(({ name }) => name),
      'execute',
    );
  } finally {
    await database.close();
  }
}

test('a property that records no paths is refused', async () => {
  const store = localDisk('/srv/pictures');
  const root = fileRoot({
    name: 'pictures',
    store,
    recordedBy: [recordedPath({ entity: Picture, path: 'takenAt' }), { entity: Picture, path: 'size' }],
  });
  const refused = check(picturesPolicy(...withFiles(root)));
  await expect(refused).rejects.toThrow(
    /recordedBy of root "pictures" names Picture.takenAt, which is no text/,
  );
  await expect(refused).rejects.toThrow(/names "size", which is no property of Picture/);
});

test('rows that go by cascade and have files are refused, since nobody asks for their paths', async () => {
  await pictures.database.rows(
    'alter table picture add foreign key (album_id) references album on delete cascade',
  );
  const policy = picturesPolicy(
    expireRows({
      name: 'albums',
      entity: Album,
      age: 'closedAt',
      olderThan: '1 day',
      files: [pictures.root],
    }),
    deleteRecordedFiles({ name: 'files', from: 'albums', root: pictures.root }),
  );
  await expect(check(policy)).rejects.toThrow(
    /rows of Picture record files of root "pictures" and go by cascade/,
  );
});

test.each([
  ['a soft child', [softChild({ entity: Album, by: 'shelfId' })]],
  [
    'the soft child of a soft child',
    [softChild({ entity: Cover, by: 'id', with: [softChild({ entity: Album, by: 'shelfId' })] })],
  ],
])('also below %s', async (_what, children) => {
  await pictures.database.rows(
    'alter table picture add foreign key (album_id) references album on delete cascade',
  );
  const policy = picturesPolicy(
    expireRows({
      name: 'shelves',
      entity: Shelf,
      age: 'clearedAt',
      olderThan: '1 day',
      with: children,
      files: [pictures.root],
    }),
    deleteRecordedFiles({ name: 'files', from: 'shelves', root: pictures.root }),
  );
  await expect(check(policy)).rejects.toThrow(
    /rows of Picture record files of root "pictures" and go by cascade/,
  );
});

test('pointers that go and have files of their own are refused, since nobody asks for their paths', async () => {
  const repointing = (copy: readonly 'path'[]): Policy => {
    const covers = latestPointer({
      holder: Cover,
      target: Picture,
      pointer: 'id',
      group: 'path',
      newest: 'takenAt',
      copy,
    });
    const albums = expireRows({
      name: 'albums',
      entity: Album,
      age: 'closedAt',
      olderThan: '1 day',
      with: [softChild({ entity: Picture, by: 'albumId', repoint: [covers] })],
      files: [pictures.root],
    });
    return picturesPolicy(
      albums,
      deleteRecordedFiles({ name: 'files', from: 'albums', root: pictures.root }),
    );
  };
  await expect(check(repointing([]))).rejects.toThrow(
    /rows of Cover record files of root "pictures" and go where they point at nothing/,
  );
  await expect(check(repointing(['path']))).resolves.toBeDefined();
});

test('the doctor misses an index on a path', async () => {
  const database = await openDatabase(pictures.database.url);
  const policy = picturesPolicy(...withFiles(pictures.root));
  const about = async (): Promise<string[]> =>
    (await examineDatabase(database, policy)).map((finding) => finding.about);
  expect(await about()).not.toContain('index on cover.path');
  await pictures.database.rows('drop index cover_path_idx');
  expect(await about()).toContain('index on cover.path');
  await database.close();
});
