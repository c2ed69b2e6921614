import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { displayUrl, readUrl } from '../../../../activities/dialect/choose-dialect.ts';
import { hasWalBug } from '../../../../activities/dialect/sqlite/connect.ts';
import { readSqlitePath } from '../../../../activities/dialect/sqlite/url.ts';
import { openDatabase } from '../../../../activities/ledger/database.ts';
import type { TestFile } from '../../../support/sqlite.ts';
import { createFile } from '../../../support/sqlite.ts';

describe('the URL of a SQLite file', () => {
  test.each([
    ['sqlite:////data/app.db', '/data/app.db'],
    ['sqlite+aiosqlite:////root/.prefect/prefect.db', '/root/.prefect/prefect.db'],
    ['sqlite+pysqlite:////data/app.db?timeout=5', '/data/app.db'],
    ['SQLite:///relative/app.db', `${process.cwd()}/relative/app.db`],
  ])('%s is understood as SQLAlchemy does', (url, path) => {
    expect(readSqlitePath(url)).toBe(path);
    expect(readUrl(url)).toBe(`sqlite:///${path}`);
    expect(displayUrl(url)).toBe(`file ${path}`);
  });

  test.each(['sqlite://', 'sqlite:///', 'sqlite:///:memory:', 'sqlite+aiosqlite:///file:x?mode=memory'])(
    '%s is refused: it names no file',
    (url) => {
      expect(() => readUrl(url)).toThrow('it names no SQLite file');
    },
  );
});

describe('a SQLite file', () => {
  let file: TestFile;
  afterEach(() => file.drop());

  async function open(url: string): Promise<void> {
    const database = await openDatabase(url);
    try {
      await database.ledger.version();
    } finally {
      await database.close();
    }
  }

  test('that is not there is refused, and none is made', async () => {
    file = createFile('');
    await expect(open(`${file.url}.other`)).rejects.toThrow('there is no such file');
  });

  test('in another journal mode than WAL is refused until the application sets it', async () => {
    file = createFile('create table item (id integer primary key)');
    file.execute('pragma journal_mode = delete');
    const database = await openDatabase(file.url);
    await expect(database.ledger.version()).rejects.toThrow('the journal mode of the file is delete');
    file.execute('pragma journal_mode = wal');
    expect(await database.ledger.version()).toBe('missing');
    await database.close();
  });

  test('that is no database is refused', async () => {
    file = createFile('');
    await expect(open(`sqlite:///${import.meta.filename}`)).rejects.toThrow('the file is no SQLite database');
  });

  test('of which somebody else holds the write lock is waited for, and it is no error', async () => {
    file = createFile('create table item (id integer primary key); insert into item values (1)');
    const { session, ledger, close } = await openDatabase(file.url);
    file.execute('begin immediate');
    const migrated = ledger.migrate();
    // Others read meanwhile.
    expect(await session.tables.countUpTo({ schema: 'main', name: 'item', label: 'item' }, 10)).toBe(1);
    file.execute('commit');
    await migrated;
    expect(await ledger.version()).toBe('current');
    await close();
  });

  test('is whole without its write-ahead log when the vacuum, the last who had it open, closes it', async () => {
    file = createFile(`
      create table item (id integer primary key);
      with recursive n (v) as (select 1 union all select v + 1 from n where v < 300000) insert into item select v from n`);
    const { session, ledger, close } = await openDatabase(file.url);
    await ledger.migrate();
    file.close();
    // A connection that reads is still at work when the database is closed.
    const counted = session.tables.countUpTo({ schema: 'main', name: 'item', label: 'item' }, 1_000_000);
    await session.facts.readClock();
    await close();
    expect(await counted).toBe(300_000);
    expect(readdirSync(dirname(file.path))).toEqual(['test.db']);
  });

  test('with a ledger of a newer version is refused', async () => {
    file = createFile('');
    const { ledger, close } = await openDatabase(file.url);
    await ledger.migrate();
    file.execute(`insert into vacuum_migration values ('999-later', 0)`);
    expect(await ledger.version()).toBe('newer');
    await close();
  });
});

test.each([
  ['3.44.5', true],
  ['3.44.6', false],
  ['3.45.1', true],
  ['3.50.6', true],
  ['3.50.7', false],
  ['3.51.2', true],
  ['3.51.3', false],
  ['3.53.4', false],
])('SQLite %s can lose what was committed when the log is reset: %s', (version, has) => {
  expect(hasWalBug(version)).toBe(has);
});
