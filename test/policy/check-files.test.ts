import { expect, test } from '@jest/globals';

import { localDisk } from '../../activities/files/local-disk.ts';
import { checkPolicy } from '../../policy/check.ts';
import { deleteRecordedFiles } from '../../policy/delete-recorded-files.ts';
import { expireRows } from '../../policy/expire-rows.ts';
import { fileRoot } from '../../policy/file-root.ts';
import { sweepStrayFiles } from '../../policy/sweep-stray-files.ts';
import { Picture, picturesPolicy, rootAt, withFiles } from '../support/pictures.ts';

const root = rootAt('/srv/pictures');
const old = expireRows({ name: 'old', entity: Picture, age: 'takenAt', olderThan: '1 day', files: [root] });

test('passes with files are fine as they are meant', () => {
  expect(checkPolicy(picturesPolicy(...withFiles(root), sweepStrayFiles({ name: 'strays', root })))).toEqual(
    [],
  );
});

test('everything wrong about files is told at once', () => {
  const mistakes = checkPolicy(
    picturesPolicy(
      deleteRecordedFiles({ name: 'too-early', from: 'old', root }),
      old,
      deleteRecordedFiles({ name: 'none', from: [], root, concurrency: 0 }),
      deleteRecordedFiles({
        name: 'elsewhere',
        from: 'old',
        root: fileRoot({ ...rootAt('/srv/elsewhere'), name: 'Other', recordedBy: [] }),
      }),
      sweepStrayFiles({ name: 'strays', root: rootAt('/srv/others'), grace: '1 minute', maxStrayRatio: 0 }),
    ),
  );
  expect(mistakes.map(({ at, what }) => `${at}: ${what}`)).toEqual([
    'root "Other": its name cannot be used in reports',
    'root "Other": its recordedBy names no property, so that every file would be taken for unused',
    'root "pictures": another root has this name, and files of one would be looked for in the other',
    'pass "too-early": from names "old", which is no earlier pass with root "pictures" among its files',
    'pass "old": its files name root "pictures", and no later pass deletes what it records there',
    'pass "none": from names no pass',
    'pass "none": concurrency is 0',
    'pass "elsewhere": from names "old", which is no earlier pass with root "Other" among its files',
    'pass "strays": grace is "1 minute", and files that are just being written have no row yet',
    'pass "strays": maxStrayRatio is 0',
  ]);
});

test.each([
  ['/srv/pictures', ['pictures', 'other']],
  ['/srv/./pictures/', ['pictures', 'other']],
  ['/srv', ['pictures']],
  ['/srv/pictures/covers', ['other']],
  ['/srv/pictures-of-covers', []],
])('a root inside of another one is refused, and two of one folder: %s', (folder, inside) => {
  const other = fileRoot({ ...rootAt(folder), name: 'other' });
  const mistakes = checkPolicy(
    picturesPolicy(sweepStrayFiles({ name: 'a', root }), sweepStrayFiles({ name: 'b', root: other })),
  );
  expect(mistakes.map(({ at }) => at)).toEqual(inside.map((name) => `root "${name}"`));
  expect(mistakes.every(({ what }) => what.startsWith('it lies inside of root'))).toBe(true);
});

test.each(['', '.', 'pictures', './pictures', '/', '//', '/..', undefined as unknown as string, '/srv/\0'])(
  'a folder that is not absolute is no root: %j',
  (folder) => {
    expect(() => localDisk(folder)).toThrow(/no absolute path/);
  },
);
