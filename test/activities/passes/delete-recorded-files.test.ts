import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { openDatabase } from '../../../activities/database/database.ts';
import { localDisk } from '../../../activities/files/local-disk.ts';
import type { LedgerReport } from '../../../activities/ledger/reports.ts';
import type { Preview } from '../../../activities/preview/preview.ts';
import { previewPolicy } from '../../../activities/preview/preview.ts';
import { deleteRecordedFiles } from '../../../policy/delete-recorded-files.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { fileRoot } from '../../../policy/file-root.ts';
import type { FileRoot } from '../../../policy/file-root.ts';
import type { FileStore } from '../../../policy/file-store.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { runEngine } from '../../support/engine.ts';
import { Album, Picture, Pictures, picturesPolicy, withFiles } from '../../support/pictures.ts';

let pictures: Pictures;
beforeEach(async () => {
  pictures = await Pictures.create();
});
afterEach(async () => pictures.drop());

async function preview(policy: Policy): Promise<Preview> {
  const database = await openDatabase(pictures.database.url);
  try {
    return await previewPolicy(
      database,
      policy,
      policy.passes.map(({ name }) => name),
    );
  } finally {
    await database.close();
  }
}

async function run(policy: Policy, options: EngineOptions = {}): Promise<LedgerReport> {
  return runEngine(pictures.database.url, policy, options);
}

/** Previews, runs, and compares what the two say of files. */
async function runAsPreviewed(policy: Policy, options: EngineOptions = {}): Promise<LedgerReport> {
  const previewed = await preview(policy);
  const report = await run(policy, options);
  const told = ({ name, files, bytes }: { name: string; files: number; bytes: number }): object => ({
    name,
    files,
    bytes,
  });
  expect(report.passes.map(told)).toEqual(previewed.passes.map(told));
  return report;
}

/** A store whose removals fail as told. */
function failing(folder: string, code: (key: string) => string | undefined): FileStore {
  const disk = localDisk(folder);
  return {
    keyOf: (path) => disk.keyOf(path),
    spellingsOf: (key) => disk.spellingsOf(key),
    open: async () => {
      const open = await disk.open();
      return {
        isEmpty: async () => open.isEmpty(),
        look: async (key) => open.look(key),
        list: (after) => open.list(after),
        close: async () => open.close(),
        remove: async (key) => {
          const failure = code(key);
          if (failure !== undefined) throw Object.assign(new Error(`${failure}: ${key}`), { code: failure });
          return open.remove(key);
        },
      };
    },
  };
}

const keys = (count: number, prefix = 'f'): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}/${n % 7}/${n}.jpg`);

describe('files of rows that go', () => {
  test('go after the rows, those of rows that stay do not; the preview knows', async () => {
    const old = keys(2500, 'old');
    const young = keys(50, 'young');
    for (const key of old) pictures.write(key, 3);
    for (const key of young) pictures.write(key, 5);
    await pictures.add(2, old);
    await pictures.add(0, young);
    await pictures.add(2, [null, '', 'missing.jpg']);
    const policy = picturesPolicy(...withFiles(pictures.root));
    const report = await runAsPreviewed(policy, { size: 300 });
    expect(pictures.files()).toEqual(young.toSorted());
    expect(report).toMatchObject({ files: 2500, spaceReclaimed: 7500, deleted: { picture: 2503 } });
    expect(report.passes[1]).toMatchObject({ files: 2500, bytes: 7500, strategy: 'files' });
    expect(report.passes[1]?.reported).toEqual({ found: 2501, resolved: 2501, unresolved: {}, oldest: null });
    expect(await pictures.waiting()).toBe(0);
    expect(await run(policy)).toMatchObject({ files: 0, rows: 0 });
  });

  const walks: [string, EngineOptions, object][] = [
    ['by page', { strategy: 'page-range' }, {}],
    ['by age', { strategy: 'keyset' }, {}],
    ['by age, carefully', { strategy: 'keyset', careful: true }, {}],
    ['by page, carefully', { strategy: 'page-range', careful: true, size: 3 }, {}],
    ['with the newest kept', {}, { keepLast: { count: 1, per: ['albumId'] } }],
  ];
  test.each(walks)('are recorded by every walk: %s', async (_, options, pass) => {
    const old = keys(20);
    for (const key of old) pictures.write(key);
    await pictures.add(2, old);
    await pictures.add(0, ['young.jpg']);
    pictures.write('young.jpg');
    await runAsPreviewed(picturesPolicy(...withFiles(pictures.root, pass)), options);
    expect(pictures.files()).toEqual(['young.jpg']);
    expect(await pictures.waiting()).toBe(0);
  });

  test.each([{}, { careful: true }, { careful: true, size: 2 }])(
    'and of their soft children: %j',
    async (options) => {
      await pictures.database.rows(
        `insert into album select n, now() - n * interval '3 days' from generate_series(0, 2) as n`,
      );
      for (const album of [0, 1, 2]) {
        const own = keys(5, `album-${album}`);
        for (const key of own) pictures.write(key);
        await pictures.add(0, own, album);
      }
      const policy = picturesPolicy(
        expireRows({
          name: 'albums',
          entity: Album,
          age: 'closedAt',
          olderThan: '1 day',
          with: [softChild({ entity: Picture, by: 'albumId' })],
          files: [pictures.root],
        }),
        deleteRecordedFiles({ name: 'files', from: 'albums', root: pictures.root }),
      );
      const report = await runAsPreviewed(policy, options);
      expect(report.files).toBe(10);
      expect(pictures.files()).toEqual(keys(5, 'album-0').toSorted());
    },
  );

  test('stay where a living row records them, in any table and however it writes the path', async () => {
    for (const key of ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg', 'caf\u00e9.jpg']) pictures.write(key);
    await pictures.add(2, [
      'a.jpg',
      'b.jpg',
      'c.jpg',
      `${pictures.folder}/d.jpg`,
      'e.jpg',
      './e.jpg',
      'caf\u00e9.jpg',
    ]);
    await pictures.add(0, ['a.jpg', `${pictures.folder}/b.jpg`, 'cafe\u0301.jpg']);
    await pictures.database.rows(`insert into cover values (1, './c.jpg')`);
    const report = await run(picturesPolicy(...withFiles(pictures.root)));
    expect(pictures.files()).toEqual(['a.jpg', 'b.jpg', 'c.jpg', 'caf\u00e9.jpg']);
    expect(report).toMatchObject({ files: 2, spaceReclaimed: 20 });
    expect(report.passes[1]?.reported?.unresolved).toEqual({ 'a row records it': 4 });
    expect(await pictures.waiting()).toBe(0);
  });

  test('stay where the path is used again by now, before its row is written', async () => {
    pictures.write('again.jpg', 10, -1);
    await pictures.add(2, ['again.jpg']);
    const report = await run(picturesPolicy(...withFiles(pictures.root)));
    expect(report.passes[1]?.reported?.unresolved).toEqual({ 'it was changed after its row was deleted': 1 });
    expect(pictures.files()).toEqual(['again.jpg']);
  });

  test('go with the delete or not at all: a batch that is rolled back records nothing', async () => {
    await pictures.add(2, ['a.jpg']);
    pictures.write('a.jpg');
    await pictures.database.rows(`
      create function refuse() returns trigger language plpgsql as 'begin raise exception using errcode = ''P0001''; end';
      create constraint trigger refuse after delete on picture deferrable initially deferred
        for each row execute function refuse()`);
    const policy = picturesPolicy(...withFiles(pictures.root));
    await expect(run(policy)).rejects.toThrow();
    expect(await pictures.waiting()).toBe(0);
    expect(pictures.files()).toEqual(['a.jpg']);
  });

  test('stay where a trigger keeps the row', async () => {
    await pictures.add(2, ['a.jpg', 'b.jpg']);
    for (const key of ['a.jpg', 'b.jpg']) pictures.write(key);
    await pictures.database.rows(`
      create function keep() returns trigger language plpgsql as 'begin if old.path = ''a.jpg'' then return null; end if; return old; end';
      create trigger keep before delete on picture for each row execute function keep()`);
    await run(picturesPolicy(...withFiles(pictures.root)));
    expect(pictures.files()).toEqual(['a.jpg']);
  });
});

describe('one bad file', () => {
  test('stops no other, is tried again by the next run, and counts once', async () => {
    const old = keys(30);
    for (const key of old) pictures.write(key);
    await pictures.add(2, old);
    const bad = old[3] as string;
    const busy = fileRoot({
      ...pictures.root,
      store: failing(pictures.folder, (key) => (key === bad ? 'EACCES' : undefined)),
    });
    const report = await run(picturesPolicy(...withFiles(busy)));
    expect(report.passes[1]).toMatchObject({ files: 29, bytes: 290 });
    expect(report.passes[1]?.reported?.unresolved).toEqual({ 'the file store answers EACCES': 1 });
    expect(pictures.files()).toEqual([bad]);
    expect(await pictures.database.rows('select path, attempts, reason from vacuum.file')).toEqual([
      { path: bad, attempts: 1, reason: 'the file store answers EACCES' },
    ]);
    const again = await runAsPreviewed(picturesPolicy(...withFiles(pictures.root)));
    expect(again.passes[1]).toMatchObject({ files: 1, bytes: 10 });
    expect(pictures.files()).toEqual([]);
    expect(await pictures.waiting()).toBe(0);
  });

  test('that is only busy is tried again at once', async () => {
    await pictures.add(2, ['a.jpg']);
    pictures.write('a.jpg');
    let times = 0;
    const store = failing(pictures.folder, () => ((times += 1) < 3 ? 'EBUSY' : undefined));
    const report = await run(picturesPolicy(...withFiles(fileRoot({ ...pictures.root, store }))));
    expect(report.files).toBe(1);
    expect(times).toBe(3);
  });
});

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
    const report = await run(picturesPolicy(...withFiles(pictures.root)));
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
      keyOf: (path) => disk.keyOf(path),
      spellingsOf: (key) => disk.spellingsOf(key),
      open: async () => {
        const open = await disk.open();
        return Object.assign(Object.create(open) as typeof open, {
          isEmpty: async () => open.isEmpty(),
          look: async (key: string) => open.look(key),
          close: async () => open.close(),
          remove: async (key: string) => {
            const { renameSync } = await import('node:fs');
            renameSync(join(folder, 'a'), join(folder, 'was-a'));
            symlinkSync(join(outside, 'a'), join(folder, 'a'));
            return open.remove(key);
          },
        });
      },
    };
    await run(picturesPolicy(...withFiles(fileRoot({ ...pictures.root, store }))));
    expect(existsSync(join(pictures.outside, 'a/x.jpg'))).toBe(true);
  });
});

describe('a root', () => {
  test('that is not there, or has not its marker, deletes nothing and forgets nothing', async () => {
    pictures.write('a.jpg');
    await pictures.add(2, ['a.jpg']);
    const at = (store: FileStore): FileRoot => fileRoot({ ...pictures.root, store });
    const gone = at(localDisk(join(pictures.folder, 'gone')));
    await expect(run(picturesPolicy(...withFiles(gone)))).rejects.toThrow(
      /root "pictures".*cannot be opened \(ENOENT\)/s,
    );
    expect(await pictures.waiting()).toBe(1);
    await pictures.database.rows('update vacuum.run set ended_at = now()');
    const unmarked = at(localDisk(pictures.folder, { marker: '.mounted' }));
    await expect(run(picturesPolicy(...withFiles(unmarked)))).rejects.toThrow(/marker is missing/);
    expect(await pictures.waiting()).toBe(1);
    await pictures.database.rows('update vacuum.run set ended_at = now()');
    expect(pictures.files()).toEqual(['a.jpg']);
    pictures.write('.mounted');
    expect(await run(picturesPolicy(...withFiles(unmarked)))).toMatchObject({ files: 1 });
  });

  test('that is empty, as without its disk, makes no file done', async () => {
    await pictures.add(2, ['a.jpg']);
    const report = await run(picturesPolicy(...withFiles(pictures.root)));
    expect(Object.keys(report.passes[1]?.reported?.unresolved ?? {})).toEqual([
      'it is missing, and its root has nothing in it, as where no disk is mounted',
    ]);
    expect(await pictures.waiting()).toBe(1);
    pictures.write('a.jpg');
    expect(await run(picturesPolicy(...withFiles(pictures.root)))).toMatchObject({ files: 1 });
  });

  test('that the system protects costs its own files only', async () => {
    pictures.write('locked/a.jpg');
    pictures.write('b.jpg');
    await pictures.add(2, ['locked/a.jpg', 'b.jpg']);
    chmodSync(join(pictures.folder, 'locked'), 0o500);
    try {
      const report = await run(picturesPolicy(...withFiles(pictures.root)));
      // A superuser may remove both.
      expect(report.files).toBe(process.getuid?.() === 0 ? 2 : 1);
    } finally {
      chmodSync(join(pictures.folder, 'locked'), 0o700);
    }
  });
});
