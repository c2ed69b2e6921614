import { symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { localDisk } from '../../../activities/files/local-disk.ts';
import { addHold } from '../../../activities/inspect/add-hold.ts';
import { openDatabase } from '../../../activities/ledger/database.ts';
import { deleteRecordedFiles } from '../../../policy/delete-recorded-files.ts';
import { expireRows, softChild } from '../../../policy/expire-rows.ts';
import { fileRoot } from '../../../policy/file-root.ts';
import type { FileStore } from '../../../policy/file-store.ts';
import type { EngineOptions } from '../../support/engine.ts';
import { Album, keys, Picture, Pictures, picturesPolicy, Shelf, withFiles } from '../../support/pictures.ts';

let pictures: Pictures;
beforeEach(async () => {
  pictures = await Pictures.create();
});
afterEach(async () => pictures.drop());

/** A store whose removals fail as told. */
function failing(folder: string, code: (key: string) => string | undefined): FileStore {
  const disk = localDisk(folder);
  return {
    toKey: (path) => disk.toKey(path),
    listSpellings: (key) => disk.listSpellings(key),
    open: async () => {
      const open = await disk.open();
      return {
        rootId: open.rootId,
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
    const report = await pictures.runAsPreviewed(policy, { size: 300 });
    expect(pictures.files()).toEqual(young.toSorted());
    expect(report).toMatchObject({ files: 2500, spaceReclaimed: 7500, deleted: { picture: 2503 } });
    expect(report.passes[1]).toMatchObject({ files: 2500, bytes: 7500, scan: 'files' });
    expect(report.passes[1]?.reported).toEqual({
      found: 2501,
      resolved: 2500,
      unresolved: { 'it is not there': 1 },
      oldest: null,
    });
    expect(await pictures.waiting()).toBe(0);
    expect(await pictures.run(policy)).toMatchObject({ files: 0, rows: 0 });
  });

  const walks: [string, EngineOptions, object][] = [
    ['by page', { scan: 'by-location' }, {}],
    ['by age', { scan: 'by-age' }, {}],
    ['by age, carefully', { scan: 'by-age', lockFirst: true }, {}],
    ['by page, carefully', { scan: 'by-location', lockFirst: true, size: 3 }, {}],
    ['with the newest kept', {}, { keepLast: { count: 1, per: ['albumId'] } }],
  ];
  test.each(walks)('are recorded by every walk: %s', async (_, options, pass) => {
    const old = keys(20);
    for (const key of old) pictures.write(key);
    await pictures.add(2, old);
    await pictures.add(0, ['young.jpg']);
    pictures.write('young.jpg');
    await pictures.runAsPreviewed(picturesPolicy(...withFiles(pictures.root, pass)), options);
    expect(pictures.files()).toEqual(['young.jpg']);
    expect(await pictures.waiting()).toBe(0);
  });

  test.each([{}, { lockFirst: true }, { lockFirst: true, size: 2 }])(
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
      const report = await pictures.runAsPreviewed(policy, options);
      expect(report.files).toBe(10);
      expect(pictures.files()).toEqual(keys(5, 'album-0').toSorted());
    },
  );

  test.each([{}, { lockFirst: true, size: 2 }])('and of the soft children of those: %j', async (options) => {
    await pictures.database.rows(`
      insert into shelf select n, now() - n * interval '3 days' from generate_series(0, 1) as n;
      insert into album select n, now(), n % 2 from generate_series(0, 3) as n`);
    for (const album of [0, 1, 2, 3]) {
      const own = keys(5, `album-${album}`);
      for (const key of own) pictures.write(key);
      await pictures.add(0, own, album);
    }
    const albums = softChild({
      entity: Album,
      by: 'shelfId',
      with: [softChild({ entity: Picture, by: 'albumId' })],
    });
    const policy = picturesPolicy(
      expireRows({
        name: 'shelves',
        entity: Shelf,
        age: 'clearedAt',
        olderThan: '1 day',
        with: [albums],
        files: [pictures.root],
      }),
      deleteRecordedFiles({ name: 'files', from: 'shelves', root: pictures.root }),
    );
    expect(await pictures.runAsPreviewed(policy, options)).toMatchObject({ files: 10 });
    expect(pictures.files()).toEqual([...keys(5, 'album-0'), ...keys(5, 'album-2')].toSorted());
    expect(await pictures.waiting()).toBe(0);
  });

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
    const report = await pictures.runAsPreviewed(picturesPolicy(...withFiles(pictures.root)));
    expect(pictures.files()).toEqual(['a.jpg', 'b.jpg', 'c.jpg', 'caf\u00e9.jpg']);
    expect(report).toMatchObject({ files: 2, spaceReclaimed: 20 });
    expect(report.passes[1]?.reported?.unresolved).toEqual({ 'a row records it': 4 });
    expect(await pictures.waiting()).toBe(0);
  });

  test('stay where a living row writes the very same odd path, or names the folder that a linked root leads to', async () => {
    const link = join(pictures.outside, 'link');
    symlinkSync(pictures.folder, link);
    const root = fileRoot({ ...pictures.root, store: localDisk(link) });
    const kept = ['a.jpg', 'b.jpg', 'd/e.jpg', 'd/f.jpg'];
    for (const key of [...kept, 'd/gone.jpg']) pictures.write(key);
    const odd = [`${link}//a.jpg`, 'd//e.jpg', 'd/./f.jpg'];
    await pictures.add(2, [...odd, 'b.jpg', 'd//gone.jpg']);
    await pictures.add(0, [...odd, `${pictures.folder}/b.jpg`]);
    const report = await pictures.runAsPreviewed(picturesPolicy(...withFiles(root)));
    expect(pictures.files()).toEqual(kept);
    expect(report.passes[1]?.reported?.unresolved).toEqual({ 'a row records it': 4 });
  });

  test('stay where the path is used again by now, before its row is written', async () => {
    pictures.write('again.jpg', 10, -1);
    await pictures.add(2, ['again.jpg']);
    const report = await pictures.run(picturesPolicy(...withFiles(pictures.root)));
    expect(report.passes[1]?.reported?.unresolved).toEqual({ 'it was changed after its row was deleted': 1 });
    expect(pictures.files()).toEqual(['again.jpg']);
  });

  test('are counted once where rows that go write them in several ways', async () => {
    const all = keys(1200);
    for (const key of all) pictures.write(key);
    await pictures.add(2, [
      ...all,
      ...all.map((key) => `./${key}`),
      ...all.map((key) => join(pictures.folder, key)),
    ]);
    expect(await pictures.runAsPreviewed(picturesPolicy(...withFiles(pictures.root)))).toMatchObject({
      files: 1200,
    });
    expect(await pictures.waiting()).toBe(0);
  });

  test('stay where a row or a new file takes the path between measuring and removing', async () => {
    const all = keys(20);
    for (const key of all) pictures.write(key);
    await pictures.add(2, all);
    const [byRow = '', byFile = ''] = all;
    let measured = false;
    const report = await pictures.run(picturesPolicy(...withFiles(pictures.root)), {
      afterBatch: async () => {
        if (
          measured ||
          !(await pictures.database.value('select bool_or(bytes is not null) from vacuum.file'))
        )
          return;
        measured = true;
        await pictures.database.rows('insert into cover values (1, $1)', [byRow]);
        pictures.write(byFile, 10, -1);
      },
    });
    expect(measured).toBe(true);
    expect(report).toMatchObject({ files: 18, spaceReclaimed: 180 });
    expect(report.passes[1]?.reported?.unresolved).toEqual({
      'a row records it': 1,
      'it was changed after its row was deleted': 1,
    });
    expect(pictures.files()).toEqual([byRow, byFile].toSorted());
    expect(await pictures.waiting()).toBe(0);
  });

  test('stay where a hold keeps the row', async () => {
    for (const key of ['a.jpg', 'b.jpg']) pictures.write(key);
    await pictures.add(2, ['a.jpg', 'b.jpg']);
    const policy = picturesPolicy(...withFiles(pictures.root));
    const database = await openDatabase(pictures.database.url);
    try {
      await database.ledger.migrate();
      const hold = {
        entity: 'Picture',
        rows: { key: '1' },
        reason: 'asked for',
        who: 'somebody',
        until: null,
      };
      await addHold(database, policy, hold);
    } finally {
      await database.close();
    }
    const report = await pictures.runAsPreviewed(policy);
    expect(report.passes[0]).toMatchObject({ rows: 1, held: 1 });
    expect(pictures.files()).toEqual(['a.jpg']);
    expect(await pictures.waiting()).toBe(0);
  });

  test('go with the delete or not at all: a batch that is rolled back records nothing', async () => {
    await pictures.add(2, ['a.jpg']);
    pictures.write('a.jpg');
    await pictures.database.rows(`
      create function refuse() returns trigger language plpgsql as 'begin raise exception using errcode = ''P0001''; end';
      create constraint trigger refuse after delete on picture deferrable initially deferred
        for each row execute function refuse()`);
    const policy = picturesPolicy(...withFiles(pictures.root));
    expect((await pictures.run(policy)).passes[0]).toMatchObject({ rows: 0, blocked: 1 });
    expect(await pictures.waiting()).toBe(0);
    expect(pictures.files()).toEqual(['a.jpg']);
  });

  test('stay where a trigger keeps the row', async () => {
    await pictures.add(2, ['a.jpg', 'b.jpg']);
    for (const key of ['a.jpg', 'b.jpg']) pictures.write(key);
    await pictures.database.rows(`
      create function keep() returns trigger language plpgsql as 'begin if old.path = ''a.jpg'' then return null; end if; return old; end';
      create trigger keep before delete on picture for each row execute function keep()`);
    await pictures.run(picturesPolicy(...withFiles(pictures.root)));
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
    const report = await pictures.run(picturesPolicy(...withFiles(busy)));
    expect(report.passes[1]).toMatchObject({ files: 29, bytes: 290 });
    expect(report.passes[1]?.reported?.unresolved).toEqual({ 'the file store returns EACCES': 1 });
    expect(pictures.files()).toEqual([bad]);
    expect(await pictures.database.rows('select path, attempts, reason from vacuum.file')).toEqual([
      { path: bad, attempts: 1, reason: 'the file store returns EACCES' },
    ]);
    const again = await pictures.runAsPreviewed(picturesPolicy(...withFiles(pictures.root)));
    expect(again.passes[1]).toMatchObject({ files: 1, bytes: 10 });
    expect(pictures.files()).toEqual([]);
    expect(await pictures.waiting()).toBe(0);
  });

  test('that is only busy is tried again at once', async () => {
    await pictures.add(2, ['a.jpg']);
    pictures.write('a.jpg');
    let times = 0;
    const store = failing(pictures.folder, () => ((times += 1) < 3 ? 'EBUSY' : undefined));
    const report = await pictures.run(picturesPolicy(...withFiles(fileRoot({ ...pictures.root, store }))));
    expect(report.files).toBe(1);
    expect(times).toBe(3);
  });
});
