import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { localDisk } from '../../../activities/files/local-disk.ts';
import { expireRows } from '../../../policy/expire-rows.ts';
import { fileRoot } from '../../../policy/file-root.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { SweepStrayFilesOptions } from '../../../policy/sweep-stray-files.ts';
import { sweepStrayFiles } from '../../../policy/sweep-stray-files.ts';
import { Picture, Pictures, picturesPolicy, withFiles } from '../../support/pictures.ts';

let pictures: Pictures;
beforeEach(async () => {
  pictures = await Pictures.create();
});
afterEach(async () => pictures.drop());

function sweeping(options: Partial<SweepStrayFilesOptions> = {}): Policy {
  return picturesPolicy(sweepStrayFiles({ name: 'strays', root: pictures.root, ...options }));
}

/** Two thousand files of living rows, and strays in every odd place. */
async function fill(): Promise<void> {
  const recorded = Array.from({ length: 2000 }, (_, n) => `${n % 5}/${n}.jpg`);
  for (const key of recorded) pictures.write(key);
  await pictures.add(0, recorded);
  await pictures.add(0, [`${pictures.folder}/absolute.jpg`, './dotted.jpg']);
  await pictures.database.rows(`insert into cover values (1, 'cover.jpg')`);
  for (const key of ['absolute.jpg', 'dotted.jpg', 'cover.jpg']) pictures.write(key);
  for (const [n, key] of STRAYS.entries()) pictures.write(key, n + 1, 3 + n);
  pictures.write('just-written.jpg', 5, 0.5);
  symlinkSync(join(pictures.outside), join(pictures.folder, 'link'));
  writeFileSync(join(pictures.outside, 'theirs.jpg'), 'theirs');
}
const STRAYS = [
  '0/1999.jpg',
  '0/COVER.jpg',
  'a b/c.jpg',
  'a/b/c/d.jpg',
  'a-b/c.jpg',
  'z.jpg',
  'é.jpg',
  '日本.jpg',
  '0.jpg',
  'a%b.jpg',
];
const BYTES = (STRAYS.length * (STRAYS.length + 1)) / 2;

test('counts what no row records, and removes nothing unless it is told to', async () => {
  await fill();
  const before = pictures.files();
  const [preview] = (await pictures.preview(sweeping())).passes;
  const report = await pictures.run(sweeping());
  expect(pictures.files()).toEqual(before);
  expect(report.passes[0]).toMatchObject({ files: 0, bytes: 0 });
  expect(report.passes[0]?.reported).toMatchObject({ found: STRAYS.length, bytes: BYTES });
  expect(report.passes[0]?.reported).toEqual(preview?.reported);
  const oldest = Date.parse(report.passes[0]?.reported?.oldest ?? '');
  expect((Date.now() - oldest) / 86_400_000).toBeCloseTo(2 + STRAYS.length, 1);
  expect(await pictures.waiting()).toBe(0);
});

test('removes the strays where it is told to, and nothing else', async () => {
  await fill();
  const stay = pictures.files().filter((key) => !STRAYS.includes(key));
  const [preview] = (await pictures.preview(sweeping({ remove: true }))).passes;
  expect(preview).toMatchObject({ files: STRAYS.length, bytes: BYTES });
  const report = await pictures.run(sweeping({ remove: true }));
  expect(pictures.files()).toEqual(stay);
  expect(existsSync(join(pictures.outside, 'theirs.jpg'))).toBe(true);
  expect(existsSync(join(pictures.folder, 'link'))).toBe(true);
  expect(report).toMatchObject({ files: STRAYS.length, spaceReclaimed: BYTES, rows: 0 });
  expect(await pictures.waiting()).toBe(0);
  expect(await pictures.run(sweeping({ remove: true }))).toMatchObject({ files: 0 });
});

test('looks again before it removes: a row or a change in between saves a file', async () => {
  await fill();
  let rescued = false;
  const report = await pictures.run(sweeping({ remove: true }), {
    afterBatch: async () => {
      const written = await pictures.database.value(
        `select count(*)::int from vacuum.file where path = 'z.jpg'`,
      );
      if (rescued || written === 0) return;
      rescued = true;
      await pictures.database.rows(`insert into cover values (2, 'z.jpg')`);
      pictures.write('a/b/c/d.jpg', 4, 0);
    },
  });
  expect(rescued).toBe(true);
  expect(report.files).toBe(STRAYS.length - 2);
  expect(report.passes[0]?.reported?.unresolved).toEqual({
    'a row records it': 1,
    'it was changed meanwhile': 1,
  });
  expect(pictures.files()).toEqual(expect.arrayContaining(['z.jpg', 'a/b/c/d.jpg']));
});

test('removes none if suspiciously many are strays, as when paths are misread', async () => {
  for (const key of ['a.jpg', 'b.jpg', 'c.jpg']) pictures.write(key);
  await pictures.add(0, ['A.JPG', 'B.JPG', 'c.jpg']);
  const [preview] = (await pictures.preview(sweeping({ remove: true }))).passes;
  expect(preview).toMatchObject({ files: 0, bytes: 0, reported: { found: 2 } });
  expect(Object.keys(preview?.reported?.unresolved ?? {})).toEqual([
    expect.stringMatching(/^they are more than maxStrayRatio/),
  ]);
  await expect(pictures.run(sweeping({ remove: true }))).rejects.toThrow(/no row records 2 of its 3 files/);
  expect(pictures.files()).toHaveLength(3);
  await pictures.database.rows('update vacuum.run set ended_at = now()');
  expect(await pictures.run(sweeping({ remove: true, maxStrayRatio: 1 }))).toMatchObject({ files: 2 });
  expect(pictures.files()).toEqual(['c.jpg']);
});

test('removes no more than that where rows vanish after the first walk', async () => {
  await fill();
  let emptied = false;
  const stopped = pictures.run(sweeping({ remove: true }), {
    afterBatch: async () => {
      if (emptied || (await pictures.waiting()) === 0) return;
      emptied = true;
      await pictures.database.rows('truncate picture, cover');
    },
  });
  await expect(stopped).rejects.toThrow(/no row records/);
  expect(emptied).toBe(true);
  expect(pictures.files().length).toBeGreaterThan(1000);
});

test('leaves files to the pass that they wait for', async () => {
  for (const key of ['a.jpg', 'b.jpg']) pictures.write(key);
  await pictures.add(2, ['a.jpg']);
  await pictures.add(0, ['b.jpg']);
  const [expire, remove] = withFiles(pictures.root);
  const sweep = sweepStrayFiles({ name: 'strays', root: pictures.root, remove: true });
  const policy = picturesPolicy(...[expire, sweep, remove].filter((pass) => pass !== undefined));
  const { passes: preview } = await pictures.preview(policy);
  const report = await pictures.run(policy);
  expect(report.passes.map(({ files }) => files)).toEqual([0, 0, 1]);
  expect(preview.map(({ files }) => files)).toEqual([0, 0, 1]);
});

test('finds what an earlier pass leaves behind, and the preview knows', async () => {
  for (const key of ['a.jpg', 'b.jpg', 'c.jpg']) pictures.write(key, 7);
  await pictures.add(2, ['a.jpg', 'c.jpg']);
  await pictures.add(0, ['b.jpg', 'c.jpg']);
  const policy = picturesPolicy(
    expireRows({ name: 'old', entity: Picture, age: 'takenAt', olderThan: '1 day' }),
    sweepStrayFiles({ name: 'strays', root: pictures.root, remove: true }),
  );
  const { passes: preview } = await pictures.preview(policy);
  const report = await pictures.run(policy);
  expect(pictures.files()).toEqual(['b.jpg', 'c.jpg']);
  expect(report.passes[1]).toMatchObject({ files: 1, bytes: 7 });
  expect(preview[1]).toMatchObject({ files: 1, bytes: 7 });
});

test('a policy that does not say remove any more removes nothing, also what an earlier run meant to', async () => {
  await fill();
  const stop = new Error('killed');
  const killed = pictures.run(sweeping({ remove: true }), {
    afterBatch: async () => {
      if ((await pictures.waiting()) > 0) throw stop;
    },
  });
  await expect(killed).rejects.toBe(stop);
  await pictures.database.rows('update vacuum.run set ended_at = now()');
  const before = pictures.files();
  await pictures.run(sweeping());
  expect(pictures.files()).toEqual(before);
  expect(await pictures.waiting()).toBe(0);
  const live = await pictures.run(sweeping({ remove: true }), { live: sweeping() });
  expect(live.files).toBe(0);
  expect(pictures.files()).toEqual(before);
});

test('a listing goes on after any key, in one order, whatever the names are', async () => {
  const keys = [
    'a',
    'a b/x',
    'a!',
    'a-b/x',
    'a.b',
    'a/b',
    'a/b c',
    'a/b.c/d',
    'a/c/d',
    'a0',
    'b/é',
    'b/z',
    'ab/c',
  ];
  for (const key of keys.filter((one) => one !== 'a')) pictures.write(key);
  const listed = async (after: string | null): Promise<string[]> => {
    const open = await localDisk(pictures.folder).open();
    try {
      const found: string[] = [];
      for await (const key of open.list(after)) found.push(key);
      return found;
    } finally {
      await open.close();
    }
  };
  const all = await listed(null);
  expect(all).toEqual(keys.filter((one) => one !== 'a').toSorted());
  for (const [n, key] of all.entries()) expect(await listed(key)).toEqual(all.slice(n + 1));
});

test('a walk that nobody goes on with is forgotten after a minute', async () => {
  for (const key of ['a', 'b', 'd']) pictures.write(key);
  const store = localDisk(pictures.folder);
  const after = async (key: string | null, most = Infinity): Promise<string[]> => {
    const open = await store.open();
    const found: string[] = [];
    for await (const one of open.list(key)) {
      found.push(one);
      if (found.length >= most) break;
    }
    await open.close();
    return found;
  };
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'performance', 'queueMicrotask'] });
  try {
    expect(await after(null, 1)).toEqual(['a']);
    pictures.write('c');
    expect(await after('a', 1)).toEqual(['b']);
    expect(await after('b', 1)).toEqual(['d']);
    jest.advanceTimersByTime(60_000);
    expect(jest.getTimerCount()).toBe(0);
    expect(await after('a')).toEqual(['b', 'c', 'd']);
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});

test('leaves what a row records with two slashes after the folder, or by the folder that a linked root leads to', async () => {
  const link = join(pictures.outside, 'link');
  symlinkSync(pictures.folder, link);
  const root = fileRoot({ ...pictures.root, store: localDisk(link) });
  const kept = ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'];
  for (const key of [...kept, 'stray.jpg']) pictures.write(key);
  const { folder } = pictures;
  await pictures.add(0, [`${link}/a.jpg`, `${link}//b.jpg`, `${folder}/c.jpg`, `${folder}//d.jpg`]);
  await pictures.runAsPreviewed(picturesPolicy(sweepStrayFiles({ name: 'sweep', root, remove: true })));
  expect(pictures.files()).toEqual(kept);
});

test('leaves what is excluded, and counts it neither among the files nor among the strays', async () => {
  const others = [
    '@eaDir/x.jpg',
    'a/@eaDir/b/y.jpg',
    '.DS_Store',
    'a/.DS_Store',
    '.nfs0001',
    'a/upload.tmp',
    'exports/b/c.csv',
    'exports/d.csv',
  ];
  const strays = [
    'a/stray.jpg',
    'a/Thumbs.db',
    'eaDir/z.jpg',
    'a/exports/e.csv',
    'nfs0001',
    'a/tmp',
    'upload.tmp.jpg',
  ];
  const recorded = Array.from({ length: 12 }, (_, n) => `a/${n}.jpg`);
  for (const [n, key] of [...recorded, ...others, ...strays].entries()) pictures.write(key, n + 1, 3);
  await pictures.add(0, recorded);
  const exclude = ['@eaDir', '.DS_Store', '.nfs*', '*.tmp', 'exports/**'];
  const policy = sweeping({ remove: true, exclude, maxStrayRatio: 0.4 });
  const [preview] = (await pictures.preview(policy)).passes;
  expect(preview).toMatchObject({ files: strays.length });
  expect(await pictures.run(policy)).toMatchObject({ files: strays.length });
  expect(pictures.files().toSorted()).toEqual([...recorded, ...others].toSorted());
});

test('goes on behind more excluded files than a batch looks at', async () => {
  for (let n = 0; n < 2100; n += 1) pictures.write(`cache/${n}.jpg`, 1, 3);
  pictures.write('z.jpg', 1, 3);
  pictures.write('kept.jpg', 1, 3);
  await pictures.add(0, ['kept.jpg']);
  const report = await pictures.run(sweeping({ remove: true, exclude: ['cache'], maxStrayRatio: 0.5 }));
  expect(report).toMatchObject({ files: 1 });
  expect(pictures.files()).toHaveLength(2101);
});

test.each(['', '/a', 'a/', '*', '**', '!a', '../a', './a', String.raw`a\b`])(
  'the glob %j, which excludes all files or none, is refused',
  async (glob) => {
    await expect(pictures.run(sweeping({ exclude: ['*.tmp', glob] }))).rejects.toThrow('exclude[1] is');
  },
);
